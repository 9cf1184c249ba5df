# Assay as an image, from the package as npm packs it:
#   npm pack && docker build --build-arg PACKAGE=assay-0.1.0.tgz --tag assay .
#   docker run --rm --volume "$PWD:/audit" --user "$(id -u)" assay run suite.yaml
FROM node:22-bookworm-slim
ARG PACKAGE
COPY ${PACKAGE} /tmp/assay.tgz
# Peers are for queues and buckets. onnxruntime's library for the CPU is in its package.
RUN ONNXRUNTIME_NODE_INSTALL=skip npm install --global --no-audit --no-fund \
      /tmp/assay.tgz bullmq@6 ioredis@5 aws4fetch@1 \
    && npm cache clean --force \
    && rm /tmp/assay.tgz
# Calibration and learned times are kept in the home of whoever runs it.
ENV HOME=/tmp
# The user "node" of that image.
USER 1000:1000
WORKDIR /audit
ENTRYPOINT ["assay"]
CMD ["--help"]
