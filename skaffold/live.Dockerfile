# For skaffold dev and debug: one of our images, started so that synced files take effect.
ARG BASE
FROM ${BASE}
ARG MAIN
ENV LIVE_MAIN=${MAIN}
COPY --chmod=644 live.ts changed-files.ts /app/skaffold/
CMD ["node", "/app/skaffold/live.ts"]
