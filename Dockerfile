# One target per artifact:
#   docker build --target movie-ticketing-catalog -t movie-ticketing-catalog:1.0.0 .
# The other targets are -users, -bookings, -gateway, -migrations (migrations, seed, backups) and -operator. The images
# share the layers of the dependencies, the kit and the migrations. Node runs the TypeScript sources without a
# build, so the images of all platforms contain the same files: every step of a build runs on the platform of
# the builder, and amd64 and arm64 need no emulation.
ARG NODE_IMAGE=node:24-trixie-slim
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.29
ARG VERSION=1.0.0
ARG REVISION=unknown

# The packages that the services need at run time. Optional dependencies
# are left out: they are Node itself and the embedded PostgreSQL, for machines without them.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY backups/package.json backups/
COPY monitoring/package.json monitoring/
COPY bench/package.json bench/
COPY migrations/package.json migrations/
COPY operator/package.json operator/
COPY seed/package.json seed/
COPY services/kit/package.json services/kit/
COPY services/catalog/package.json services/catalog/
COPY services/users/package.json services/users/
COPY services/bookings/package.json services/bookings/
COPY services/embedded-postgres/package.json services/embedded-postgres/
COPY scripts/prune-packages.main.ts scripts/production-packages.ts scripts/
COPY services/gateway/package.json services/gateway/
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --omit=optional --ignore-scripts \
      --workspace=services/kit --workspace=services/catalog --workspace=services/users \
      --workspace=services/bookings --workspace=migrations

# Without types, source maps, sources and binaries of other platforms: no program reads them.
FROM dependencies AS lean-dependencies
RUN node scripts/prune-packages.main.ts services/kit services/catalog services/users \
      services/bookings migrations \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete \
 && rm -rf node_modules/.package-lock.json node_modules/.bin node_modules/@types node_modules/zod/src \
      node_modules/@opentelemetry/*/build/esnext \
 && find node_modules/bcrypt/prebuilds -mindepth 1 -maxdepth 1 ! -name 'linux-x64' ! -name 'linux-arm64' -exec rm -r {} + \
 && chmod -R go=rX node_modules

# The sources, readable by every user whatever the umask of the checkout was.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS sources
WORKDIR /app
COPY . .
RUN chmod -R go=rX .

# The gateway's configuration, from the route table, and the pages that it serves itself.
FROM dependencies AS gateway-config
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --omit=optional --ignore-scripts \
      --workspace=services/gateway
COPY --from=sources /app .
RUN node services/gateway/src/nginx-config.main.ts /gateway \
 && cp services/gateway/nginx/start.sh /gateway/ && chmod -R go=rX /gateway

FROM --platform=$BUILDPLATFORM ${NGINX_IMAGE} AS gateway-checked
COPY --from=gateway-config /gateway /etc/nginx/gateway
RUN sh /etc/nginx/gateway/start.sh -t

FROM ${NGINX_IMAGE} AS movie-ticketing-gateway
# From the stage that tested it: no image is built with a configuration that nginx refuses.
COPY --from=gateway-checked /etc/nginx/gateway /etc/nginx/gateway
USER 101:101
EXPOSE 8080 9090
# The workers finish the requests in flight before they end.
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/bin/sh", "/etc/nginx/gateway/start.sh"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="movie-ticketing-gateway" \
      org.opencontainers.image.description="Entry point: routes, limits and the API reference" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM ${NODE_IMAGE} AS runtime
WORKDIR /app
ENV NODE_ENV=production
COPY --from=lean-dependencies /app/node_modules node_modules
COPY --from=sources /app/package.json /app/LICENSE ./
COPY --from=sources /app/migrations migrations
COPY --from=sources /app/services/kit services/kit
# The user "node", by number: runAsNonRoot cannot check a name.
USER 1000:1000

FROM dependencies AS operator-dependencies
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --omit=optional --ignore-scripts --workspace=operator \
 && node scripts/prune-packages.main.ts operator \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete \
 && rm -rf node_modules/.package-lock.json node_modules/.bin node_modules/@types node_modules/zod/src \
      node_modules/@opentelemetry/*/build/esnext \
 && chmod -R go=rX node_modules

FROM ${NODE_IMAGE} AS movie-ticketing-operator
WORKDIR /app
ENV NODE_ENV=production
COPY --from=operator-dependencies /app/node_modules node_modules
COPY --from=sources /app/package.json /app/LICENSE ./
COPY --from=sources /app/services/kit services/kit
COPY --from=sources /app/operator operator
USER 1000:1000
EXPOSE 9090
CMD ["node", "operator/src/main.ts"]
ARG VERSION
ARG REVISION
# The version of the services that it installs unless spec.version names another.
ENV OPERATOR_VERSION=${VERSION}
LABEL org.opencontainers.image.title="movie-ticketing-operator" \
      org.opencontainers.image.description="Installs, repairs and upgrades the system of a MovieTicketing resource" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM dependencies AS job-dependencies
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --omit=optional --ignore-scripts \
      --workspace=migrations --workspace=seed --workspace=backups \
 && node scripts/prune-packages.main.ts migrations seed backups \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete \
 && rm -rf node_modules/.package-lock.json node_modules/.bin node_modules/@types node_modules/zod/src \
      node_modules/@opentelemetry/*/build/esnext \
 && find node_modules/bcrypt/prebuilds -mindepth 1 -maxdepth 1 ! -name 'linux-x64' ! -name 'linux-arm64' -exec rm -r {} + \
 && chmod -R go=rX node_modules

FROM ${NODE_IMAGE} AS movie-ticketing-migrations
WORKDIR /app
ENV NODE_ENV=production
COPY --from=job-dependencies /app/node_modules node_modules
COPY --from=sources /app/package.json /app/LICENSE ./
COPY --from=sources /app/migrations migrations
COPY --from=sources /app/services/kit services/kit
COPY --from=sources /app/seed seed
COPY --from=sources /app/backups backups
# The seed reads its files with the schemas of the catalog and inserts through its repositories.
COPY --from=sources /app/services/catalog services/catalog
# The verification of a backup runs the audit.
COPY --from=sources /app/services/bookings services/bookings
USER 1000:1000
# The seed: ["node", "seed/src/main.ts"]; the steps of backups: ["node", "backups/src/main.ts", "store"]
CMD ["node", "migrations/src/main.ts"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="movie-ticketing-migrations" \
      org.opencontainers.image.description="Database migrations, seed data and backups" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS movie-ticketing-catalog
COPY --from=sources /app/services/catalog services/catalog
EXPOSE 8080 9090
CMD ["node", "services/catalog/src/main.ts"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="movie-ticketing-catalog" \
      org.opencontainers.image.description="Movies, theaters and screenings" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS movie-ticketing-users
COPY --from=sources /app/services/users services/users
EXPOSE 8080 9090
CMD ["node", "services/users/src/main.ts"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="movie-ticketing-users" \
      org.opencontainers.image.description="Users, sessions and keys" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM runtime AS movie-ticketing-bookings
COPY --from=sources /app/services/bookings services/bookings
EXPOSE 8080 9090
CMD ["node", "services/bookings/src/main.ts"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="movie-ticketing-bookings" \
      org.opencontainers.image.description="Bookings, payments and tickets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
