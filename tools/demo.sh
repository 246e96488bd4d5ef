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
say gluonref export demo/run --format onnx --out demo/onnx
printf '\nThe export, opened in a fresh process, answers alike:\n'
say gluonref predict demo/onnx demo/samples/*.png
gluonref predict demo/run demo/samples/*.png --json > demo/run.json
gluonref predict demo/onnx demo/samples/*.png --json > demo/onnx.json
python - <<'PYTHON'
import json

run, onnx = (json.load(open(f"demo/{name}.json"))["predictions"] for name in ("run", "onnx"))
assert [one["label"] for one in run] == [one["label"] for one in onnx], "run and export disagree"
largest = max(abs(a["probabilities"][k] - b["probabilities"][k]) for a, b in zip(run, onnx) for k in a["probabilities"])
print(f"\nsame labels; probabilities differ by at most {largest:.1e}")
PYTHON
cat <<'TEXT'

Next (after `. .venv/bin/activate`):
  gluonref train lstm                                  which language is a name in?
  gluonref train mlp --data table:YOUR.csv             a table of your own, the last column the label
  gluonref train cnn --data fashion_mnist:DIR          the four idx files of Fashion-MNIST in DIR
  gluonref list                                        all models, data sets, tasks, formats and recipes
  gluonref export --symbol NET-symbol.json --params NET-0000.params --shape data=1,3,224,224 --format onnx
  gluonref show model cnn                              its options, types and defaults
TEXT
