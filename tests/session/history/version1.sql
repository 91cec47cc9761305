CREATE TABLE runs (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL, engine TEXT NOT NULL,
  title TEXT NOT NULL, options TEXT NOT NULL, flags TEXT NOT NULL, requests INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, seconds REAL, ttft_s REAL, tps REAL, system_tps REAL,
  memory_bytes INTEGER, kv_bytes INTEGER, weights_bytes INTEGER, quality REAL, measure TEXT NOT NULL
);
CREATE TABLE details (
  id INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE, model_path TEXT NOT NULL, prompt TEXT NOT NULL,
  chat INTEGER NOT NULL, effective TEXT NOT NULL, versions TEXT NOT NULL, result TEXT NOT NULL
);
CREATE INDEX runs_at ON runs (at);
INSERT INTO runs VALUES (1, 1700000000.5, 'chat', 'tiny-coder', 'transformers', 'write a function', '{"kv_cache":"int8"}',
  '["cold"]', 1, 7, 19, 0.125, 0.014, 162.3, NULL, 381251584, 65536, 7344896, NULL, '');
INSERT INTO runs VALUES (2, 1700000060.0, 'bench code', 'tiny-coder', 'transformers', '', '{}', '[]', 40, 900, 1200, 9.5,
  0.02, 150.0, 800.0, 391251584, NULL, NULL, 0.75, 'pass@1');
INSERT INTO details VALUES (1, 'models/tiny-coder', 'write a function', 1, '{"kv_cache":"int8"}', '{"torch":"2.13"}', '{}');
INSERT INTO details VALUES (2, 'models/tiny-coder', '', 0, '{}', '{}', '{"suite":"code"}');
PRAGMA user_version = 1;
