#!/bin/sh
# The manifests of packaging/kubernetes: rendered by kubectl's kustomize, checked against
# Kubernetes' own schemas (npm's kubernetes-models, where npm can fetch it), and against
# what docs/KUBERNETES.md says of them.
# Usage: kubernetes.sh SOURCE BUILD
set -eu
source=$1 build=$2
command -v kubectl >/dev/null || { echo "skipped: kubectl is not installed (Debian: kubernetes-client)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
for folder in base postgres; do
	kubectl kustomize "$source/packaging/kubernetes/$folder" >"$work/$folder.yaml"
	/usr/bin/python3 "$source/tests/interop/kubernetes.py" "$folder" "$work/$folder.yaml"
done
# Not named as the package: npm would take that for itself.
models=$build/kubernetes-schemas
if ! { command -v node && command -v npm; } >/dev/null; then
	echo "not checked against the schemas: node or npm is missing"
	exit 0
fi
if [ ! -d "$models/node_modules/kubernetes-models" ] &&
	! timeout 60 npm install --prefix "$models" --no-audit --no-fund --silent \
		kubernetes-models@4 js-yaml@5 >"$work/npm.log" 2>&1; then
	rm -rf "$models"
	echo "not checked against the schemas: npm cannot fetch kubernetes-models"
	exit 0
fi
NODE_PATH=$models/node_modules node "$source/tests/interop/kubernetes.js" "$work/base.yaml" "$work/postgres.yaml"
sed 's/replicas: 2/replicas: two/' "$work/base.yaml" >"$work/wrong.yaml"
if NODE_PATH=$models/node_modules node "$source/tests/interop/kubernetes.js" "$work/wrong.yaml" 2>/dev/null; then
	echo "error: the schemas let a wrong manifest pass" >&2
	exit 1
fi
