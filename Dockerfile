# syntax=docker/dockerfile:1
# Event Hooks as one process, in an image without a shell and without root.
#
#   docker build -t event-hooks .
#   docker run -p 8001:8001 -v event-hooks:/data -e EVENT_HOOKS_ADMIN_TOKEN event-hooks
#
# It listens on all addresses of its container, and so refuses to start without a token.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Luau is C++: its library goes into the executable, so that the image needs none.
ENV CXXSTDLIB=static:-bundle=stdc++
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    RUSTFLAGS="-L native=$(dirname "$(g++ -print-file-name=libstdc++.a)")" \
    cargo build --release --locked --package local \
    && install -D target/release/event-hooks /out/event-hooks \
    && install -d -m 0700 /out/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/event-hooks /usr/local/bin/event-hooks
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV EVENT_HOOKS_LISTEN=0.0.0.0:8001 EVENT_HOOKS_DATA=/data EVENT_HOOKS_LOG_FORMAT=json
VOLUME /data
EXPOSE 8001
# SIGTERM drains: running attempts end within ten seconds, the rest stays queued.
STOPSIGNAL SIGTERM
USER nonroot
ENTRYPOINT ["/usr/local/bin/event-hooks"]
