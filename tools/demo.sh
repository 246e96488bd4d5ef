#!/bin/sh
# One model from data to a verified export, in the folder demo/: what `make demo` runs.
set -eu

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

rm -rf demo
mkdir demo
say gluonref train cnn --out demo/run
say gluonref evaluate demo/run
say gluonref show data digits --samples 5 --out demo/samples
say gluonref predict demo/run demo/samples/*.png
printf '(the digit in a file name is the true one)\n'
say gluonref export demo/run --format symbol --out demo/symbol
printf '\nThe export, opened in a fresh process, answers alike:\n'
say gluonref predict demo/symbol demo/samples/*.png
gluonref predict demo/run demo/samples/*.png --json > demo/run.json
gluonref predict demo/symbol demo/samples/*.png --json > demo/symbol.json
python - <<'PYTHON'
import json

run, symbol = (json.load(open(f"demo/{name}.json"))["predictions"] for name in ("run", "symbol"))
assert [one["label"] for one in run] == [one["label"] for one in symbol], "run and export disagree"
largest = max(abs(a["probabilities"][k] - b["probabilities"][k]) for a, b in zip(run, symbol) for k in a["probabilities"])
print(f"\nsame labels; probabilities differ by at most {largest:.1e}")
PYTHON
cat <<'TEXT'

Next (after `. .venv/bin/activate`):
  gluonref train lstm                                  which language is a name in?
  gluonref train mlp --data table:YOUR.csv             a table of your own, the last column the label
  gluonref train cnn --data fashion_mnist:DIR          the four idx files of Fashion-MNIST in DIR
  gluonref list                                        all models, data sets, tasks, formats and recipes
  gluonref show model cnn                              its options, types and defaults
TEXT
