# For skaffold dev alone: any of our Node images, started so that synced files take effect.
ARG BASE
FROM ${BASE}
ARG MAIN
ENV LIVE_MAIN=${MAIN}
COPY --chmod=755 live.sh /usr/local/bin/live
CMD ["live"]
