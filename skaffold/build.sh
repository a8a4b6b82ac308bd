#!/bin/sh
# Skaffold's build command: build.sh TARGET [MAIN]
#   TARGET  a target of the Dockerfile, built as $IMAGE from $BUILD_CONTEXT
#   MAIN    the program, if files are synced into its containers: the image then runs it from a writable
#           copy and restarts it when a file of the copy changes (live.ts)
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
