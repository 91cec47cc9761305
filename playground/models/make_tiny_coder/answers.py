"""For each spoken intent the function that answers it, with checks; K stands for the spoken number."""

from __future__ import annotations

# Intent -> (signature, docstring, body, checks: expressions that must be true).
ANSWERS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "add": ("add(a, b)", "Return the sum of a and b.", "return a + b", ("add(2, 3) == 5", "add(-1, 1) == 0")),
    "add_three": ("add_three(a, b, c)", "Return the sum of a, b and c.", "return a + b + c", ("add_three(1, 2, 4) == 7",)),
    "subtract": ("subtract(a, b)", "Return a minus b.", "return a - b", ("subtract(5, 3) == 2",)),
    "multiply": ("multiply(a, b)", "Return the product of a and b.", "return a * b", ("multiply(4, 3) == 12",)),
    "divide": ("divide(a, b)", "Return a divided by b.", "return a / b", ("divide(8, 4) == 2",)),
    "average_two": ("average(a, b)", "Return the average of a and b.", "return (a + b) / 2", ("average(2, 4) == 3",)),
    "remainder": ("remainder(a, b)", "Return the remainder of a divided by b.", "return a % b", ("remainder(7, 4) == 3",)),
    "power": ("power(a, b)", "Return a to the power of b.", "return a ** b", ("power(2, 5) == 32",)),
    "add_n": ("add_K(x)", "Return x plus K.", "return x + K", ("add_K(1) == 1 + K",)),
    "subtract_n": ("subtract_K(x)", "Return x minus K.", "return x - K", ("subtract_K(K) == 0",)),
    "multiply_n": ("multiply_by_K(x)", "Return x times K.", "return x * K", ("multiply_by_K(2) == K + K",)),
    "divisible_n": ("is_divisible(x)", "Check whether x is divisible by K.", "return x % K == 0", ("is_divisible(K)", "not is_divisible(K + 1)")),
    "greater_n": ("is_greater(x)", "Check whether x is greater than K.", "return x > K", ("is_greater(K + 1)", "not is_greater(K)")),
    "square": ("square(x)", "Return the square of x.", "return x * x", ("square(-3) == 9",)),
    "cube": ("cube(x)", "Return the cube of x.", "return x ** 3", ("cube(3) == 27",)),
    "double": ("double(x)", "Return twice x.", "return x * 2", ("double(4) == 8",)),
    "half": ("half(x)", "Return half of x.", "return x / 2", ("half(3) == 1.5",)),
    "negate": ("negate(x)", "Return the negative of x.", "return -x", ("negate(3) == -3",)),
    "absolute": ("absolute(x)", "Return the absolute value of x.", "return abs(x)", ("absolute(-3) == 3",)),
    "is_even": ("is_even(n)", "Check whether n is even.", "return n % 2 == 0", ("is_even(4)", "not is_even(3)")),
    "is_odd": ("is_odd(n)", "Check whether n is odd.", "return n % 2 == 1", ("is_odd(3)", "not is_odd(4)")),
    "is_positive": ("is_positive(n)", "Check whether n is positive.", "return n > 0", ("is_positive(1)", "not is_positive(0)")),
    "is_negative": ("is_negative(n)", "Check whether n is negative.", "return n < 0", ("is_negative(-1)", "not is_negative(0)")),
    "is_prime": ("is_prime(n)", "Check whether n is a prime number.", "if n < 2:\n    return False\nfor i in range(2, n):\n    if n % i == 0:\n        return False\nreturn True", ("is_prime(7)", "not is_prime(9)", "not is_prime(1)")),
    "larger": ("larger(a, b)", "Return the larger of a and b.", "if a > b:\n    return a\nreturn b", ("larger(2, 5) == 5", "larger(5, 2) == 5")),
    "smaller": ("smaller(a, b)", "Return the smaller of a and b.", "if a < b:\n    return a\nreturn b", ("smaller(2, 5) == 2", "smaller(5, 2) == 2")),
    "larger_three": ("largest(a, b, c)", "Return the largest of a, b and c.", "return max(a, b, c)", ("largest(1, 3, 2) == 3",)),
    "factorial": ("factorial(n)", "Return the factorial of n.", "result = 1\nfor i in range(2, n + 1):\n    result *= i\nreturn result", ("factorial(5) == 120", "factorial(0) == 1")),
    "fibonacci": ("fibonacci(n)", "Return Fibonacci number n.", "a, b = 0, 1\nfor _ in range(n):\n    a, b = b, a + b\nreturn a", ("fibonacci(10) == 55", "fibonacci(0) == 0")),
    "sum_to": ("sum_to(n)", "Return the sum of the numbers from 1 to n.", "return sum(range(1, n + 1))", ("sum_to(4) == 10",)),
    "digit_sum": ("digit_sum(n)", "Return the sum of the digits of n.", "return sum(int(digit) for digit in str(n))", ("digit_sum(123) == 6",)),
    "gcd": ("gcd(a, b)", "Return the greatest common divisor of a and b.", "while b:\n    a, b = b, a % b\nreturn a", ("gcd(12, 18) == 6",)),
    "celsius": ("to_fahrenheit(celsius)", "Convert celsius to fahrenheit.", "return celsius * 9 / 5 + 32", ("to_fahrenheit(100) == 212",)),
    "rectangle": ("area(width, height)", "Return the area of a rectangle.", "return width * height", ("area(3, 4) == 12",)),
    "reverse_text": ("reverse(text)", "Return text backwards.", "return text[::-1]", ("reverse('abc') == 'cba'",)),
    "upper": ("to_upper(text)", "Return text in upper case.", "return text.upper()", ("to_upper('ab') == 'AB'",)),
    "lower": ("to_lower(text)", "Return text in lower case.", "return text.lower()", ("to_lower('AB') == 'ab'",)),
    "length": ("length(text)", "Return the length of text.", "return len(text)", ("length('abc') == 3",)),
    "count_vowels": ("count_vowels(text)", "Count the vowels in text.", 'return sum(letter in "aeiou" for letter in text.lower())', ("count_vowels('Apple') == 2",)),
    "count_words": ("count_words(text)", "Count the words in text.", "return len(text.split())", ("count_words('a b c') == 3",)),
    "first_letter": ("first_letter(text)", "Return the first letter of text.", "return text[0]", ("first_letter('abc') == 'a'",)),
    "last_letter": ("last_letter(text)", "Return the last letter of text.", "return text[-1]", ("last_letter('abc') == 'c'",)),
    "palindrome": ("is_palindrome(text)", "Check whether text is a palindrome.", "return text == text[::-1]", ("is_palindrome('noon')", "not is_palindrome('ab')")),
    "join_words": ("join_words(words)", "Join words with spaces.", 'return " ".join(words)', ("join_words(['a', 'b']) == 'a b'",)),
    "split_words": ("split_words(text)", "Split text into words.", "return text.split()", ("split_words('a b') == ['a', 'b']",)),
    "repeat_text": ("repeat(text)", "Return text repeated K times.", "return text * K", ("len(repeat('ab')) == 2 * K",)),
    "greet": ("greet(name)", "Return a greeting for name.", 'return f"Hello, {name}!"', ("greet('Ada') == 'Hello, Ada!'",)),
    "remove_spaces": ("remove_spaces(text)", "Return text without spaces.", 'return text.replace(" ", "")', ("remove_spaces('a b') == 'ab'",)),
    "longest_word": ("longest_word(words)", "Return the longest of words.", "return max(words, key=len)", ("longest_word(['a', 'bcd', 'ef']) == 'bcd'",)),
    "sum_list": ("sum_list(numbers)", "Return the sum of numbers.", "return sum(numbers)", ("sum_list([1, 2, 3]) == 6",)),
    "product_list": ("product(numbers)", "Return the product of numbers.", "result = 1\nfor x in numbers:\n    result *= x\nreturn result", ("product([2, 3, 4]) == 24",)),
    "average_list": ("average(numbers)", "Return the average of numbers.", "return sum(numbers) / len(numbers)", ("average([1, 2, 3]) == 2",)),
    "max_list": ("largest(numbers)", "Return the largest of numbers.", "return max(numbers)", ("largest([1, 3, 2]) == 3",)),
    "min_list": ("smallest(numbers)", "Return the smallest of numbers.", "return min(numbers)", ("smallest([2, 1, 3]) == 1",)),
    "length_list": ("count_items(items)", "Return how many items there are.", "return len(items)", ("count_items([4, 5]) == 2",)),
    "reverse_list": ("reverse(items)", "Return items in reverse order.", "return items[::-1]", ("reverse([1, 2]) == [2, 1]",)),
    "sort_list": ("sort(numbers)", "Return numbers sorted.", "return sorted(numbers)", ("sort([2, 1]) == [1, 2]",)),
    "sort_down": ("sort_down(numbers)", "Return numbers from largest to smallest.", "return sorted(numbers, reverse=True)", ("sort_down([1, 2]) == [2, 1]",)),
    "first_item": ("first(items)", "Return the first item.", "return items[0]", ("first([4, 5]) == 4",)),
    "last_item": ("last(items)", "Return the last item.", "return items[-1]", ("last([4, 5]) == 5",)),
    "take_n": ("take(items)", "Return the first K items.", "return items[:K]", ("len(take(list(range(200)))) == K",)),
    "even_list": ("evens(numbers)", "Return the even numbers.", "return [x for x in numbers if x % 2 == 0]", ("evens([1, 2, 4]) == [2, 4]",)),
    "odd_list": ("odds(numbers)", "Return the odd numbers.", "return [x for x in numbers if x % 2 == 1]", ("odds([1, 2, 3]) == [1, 3]",)),
    "positive_list": ("positives(numbers)", "Return the positive numbers.", "return [x for x in numbers if x > 0]", ("positives([-1, 0, 2]) == [2]",)),
    "above_n": ("above(numbers)", "Return the numbers above K.", "return [x for x in numbers if x > K]", ("above([K, K + 1]) == [K + 1]",)),
    "square_list": ("squares(numbers)", "Return the squares of numbers.", "return [x * x for x in numbers]", ("squares([2, -3]) == [4, 9]",)),
    "double_list": ("doubles(numbers)", "Return the doubles of numbers.", "return [x * 2 for x in numbers]", ("doubles([2, 3]) == [4, 6]",)),
    "unique_list": ("unique(items)", "Return items without duplicates, in order.", "result = []\nfor x in items:\n    if x not in result:\n        result.append(x)\nreturn result", ("unique([2, 1, 2]) == [2, 1]",)),
    "count_item": ("count(items, item)", "Count how often item appears in items.", "return items.count(item)", ("count([1, 2, 1], 1) == 2",)),
    "contains": ("contains(items, item)", "Check whether item is in items.", "return item in items", ("contains([1, 2], 2)", "not contains([1], 2)")),
    "merge_lists": ("merge(first, second)", "Return first followed by second.", "return first + second", ("merge([1], [2]) == [1, 2]",)),
    "flatten": ("flatten(lists)", "Return the items of all lists in one list.", "return [x for items in lists for x in items]", ("flatten([[1], [2, 3]]) == [1, 2, 3]",)),
    "count_letters": ("count_letters(word)", "Count how often each letter of word appears.", "counts = {}\nfor letter in word:\n    counts[letter] = counts.get(letter, 0) + 1\nreturn counts", ("count_letters('aba') == {'a': 2, 'b': 1}",)),
    "keys": ("keys(table)", "Return the keys of table.", "return list(table)", ("keys({'a': 1}) == ['a']",)),
    "values": ("values(table)", "Return the values of table.", "return list(table.values())", ("values({'a': 1}) == [1]",)),
    "invert": ("invert(table)", "Swap keys and values of table.", "return {value: key for key, value in table.items()}", ("invert({'a': 1}) == {1: 'a'}",)),
    "get_value": ("get_value(table, key)", "Return the value of key in table, or None.", "return table.get(key)", ("get_value({'a': 1}, 'a') == 1", "get_value({}, 'a') is None")),
    "merge_dicts": ("merge(first, second)", "Return first and second in one dictionary.", "return {**first, **second}", ("merge({'a': 1}, {'b': 2}) == {'a': 1, 'b': 2}",)),
    "fizzbuzz": ("fizzbuzz(n)", "Return fizz, buzz, fizzbuzz or n as text.", 'if n % 15 == 0:\n    return "fizzbuzz"\nif n % 3 == 0:\n    return "fizz"\nif n % 5 == 0:\n    return "buzz"\nreturn str(n)', ("fizzbuzz(15) == 'fizzbuzz'", "fizzbuzz(9) == 'fizz'", "fizzbuzz(10) == 'buzz'", "fizzbuzz(7) == '7'")),
    "countdown": ("countdown(n)", "Return the numbers from n down to 1.", "return list(range(n, 0, -1))", ("countdown(3) == [3, 2, 1]",)),
    "range_list": ("count_to(n)", "Return the numbers from 1 to n.", "return list(range(1, n + 1))", ("count_to(3) == [1, 2, 3]",)),
}  # fmt: skip


def answer(intent: str, number: int | None) -> tuple[str, str, str]:
    """The function that answers an intent, its test in HumanEval's form, and its name."""
    signature, doc, body, checks = (_fill(part, number) for part in ANSWERS[intent])
    indented = body.replace("\n", "\n    ")
    name = signature.split("(")[0]
    asserts = "\n".join(f"    assert {check}" for check in checks)
    return f'def {signature}:\n    """{doc}"""\n    {indented}\n', f"def check(candidate):\n{asserts}\n", name


def _fill(part: str | tuple[str, ...], number: int | None) -> str | tuple[str, ...]:
    if isinstance(part, tuple):
        return tuple(check.replace("K", str(number)) for check in part)
    return part.replace("K", str(number))
