# errata as a container: `docker build -t errata .`, then as `errata` on the command line: `docker run errata lint FILE`.
# It runs as `node` (uid 1000) and writes to /data only, so it can be started with --read-only. See docs/deployment.md.

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
# What is not listed in .dockerignore stays outside.
COPY . .
RUN install -d -o node -g node /data
VOLUME /data
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "deploy/infra/health_check.ts"]
# In this form node is process 1, and SIGTERM reaches it.
ENTRYPOINT ["node", "--disable-warning=TimeoutNegativeWarning", "--disable-warning=ExperimentalWarning", "cli/errata.ts"]
CMD ["--help"]
