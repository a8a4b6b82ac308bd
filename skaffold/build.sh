#!/bin/sh
# Skaffold's build command: build.sh TARGET [MAIN]
#   TARGET  a target of the Dockerfile, built as $IMAGE from $BUILD_CONTEXT
#   MAIN    the program, if files are to be synced into its containers: then the image runs it from a
#           copy that can be written, and starts it anew when a file of it changes (live.sh)
set -eu
target=$1
main=${2:-}
here=$(dirname "$0")
export DOCKER_BUILDKIT=1

platform=
if [ -n "${PLATFORMS:-}" ]; then platform=--platform=$PLATFORMS; fi

docker build $platform --target "$target" --tag "$IMAGE" "$BUILD_CONTEXT"
if [ -n "$main" ]; then
  docker build $platform --file "$here/live.Dockerfile" --tag "$IMAGE" \
    --build-arg BASE="$IMAGE" --build-arg MAIN="$main" "$here"
fi
if [ "${PUSH_IMAGE:-false}" = true ]; then docker push "$IMAGE"; fi
