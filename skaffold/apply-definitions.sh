#!/bin/sh
# A deploy hook of skaffold.yaml: the definition of the custom resource, before the resource itself.
set -eu
kubectl() { command kubectl ${SKAFFOLD_KUBE_CONTEXT:+--context "$SKAFFOLD_KUBE_CONTEXT"} "$@"; }
kubectl apply --kustomize crds
kubectl wait --for=condition=Established --timeout=60s customresourcedefinition/movieticketings.movieticketing.io
