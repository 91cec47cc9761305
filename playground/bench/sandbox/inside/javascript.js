// Runs a program and its tests in one context; writes the token once both have ended well, else E and why.
// What tests rely on is looked at before the program, after it, and after the tests. The program can reach this realm
// too, so nothing here that runs after it uses a built-in that could have been replaced.
const fs = require('fs'), vm = require('vm');
(() => {
const {program, test, token, pipe} = JSON.parse(fs.readFileSync(0, 'utf8'));
const write = fs.writeSync, run = vm.runInContext;
const {ownKeys, getOwnPropertyDescriptor} = Reflect;
const silent = () => {};
const assert = (right, ...words) => { if (!right) throw new Error('Assertion failed ' + words.join(' ')); };
const console_ = Object.freeze({log: silent, error: silent, warn: silent, info: silent, debug: silent, assert});
const names = vm.createContext({require});
Object.defineProperty(names, 'console', {value: console_, writable: false, configurable: false});

const isThing = (value) => typeof value === 'function' || (typeof value === 'object' && value !== null);
const look = (name, thing) => {
  const keys = ownKeys(thing);
  return {name, thing, keys, were: keys.map((key) => getOwnPropertyDescriptor(thing, key))};
};
const built_in = run('Reflect.ownKeys(globalThis)', names)
  .filter((name) => typeof name === 'string' && !['console', 'require', 'globalThis'].includes(name))
  .map((name) => ({name, value: run(name, names)}))
  .filter(({value}) => isThing(value));
const looks = built_in.flatMap(({name, value}) =>
  isThing(value.prototype) ? [look(name, value), look(name + '.prototype', value.prototype)] : [look(name, value)]);

const has = (list, wanted) => {
  for (let at = 0; at < list.length; at++) if (list[at] === wanted) return true;
  return false;
};
const changedIn = ({name, thing, keys, were}) => {
  for (let at = 0; at < keys.length; at++) {
    const now = getOwnPropertyDescriptor(thing, keys[at]), was = were[at];
    const same = now && now.get === was.get && (now.value === was.value || was.value !== was.value);
    if (!same) return name + '.' + String(keys[at]);
  }
  const all = ownKeys(thing);  // new names are harmless, but for those that the language itself asks for
  for (let at = 0; at < all.length; at++) {
    if ((typeof all[at] === 'symbol' || all[at] === 'toJSON') && !has(keys, all[at])) return name + '.' + String(all[at]);
  }
  return '';
};
const changed = () => {
  for (let at = 0; at < built_in.length; at++) {
    if (run(built_in[at].name, names) !== built_in[at].value) return built_in[at].name;
  }
  for (let at = 0; at < looks.length; at++) {
    const what = changedIn(looks[at]);
    if (what) return what;
  }
  return '';
};
const runUnchanged = (source) => {
  run(source, names);
  const what = changed();
  if (what) throw 'the program changed ' + what;
};
try {
  runUnchanged(program);
  runUnchanged(test);
  write(pipe, token);
} catch (error) {
  write(pipe, 'E' + String(error).slice(0, 500));
}
})();
