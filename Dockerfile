# docker build -t ringflow . && docker run -v ringflow:/data -p 4573:4573 -p 8080:8080 ringflow
# The folder of the operator's own is the volume /data; it is made at the first start (docs/production.md).
FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN pip wheel --no-cache-dir --no-deps -w /wheels .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data ringflow && install -d -o ringflow -g ringflow -m 0750 /data
COPY --from=build /wheels /wheels
COPY requirements.lock /wheels/
RUN pip install --no-cache-dir --require-hashes -r /wheels/requirements.lock \
    && pip install --no-cache-dir --no-deps /wheels/*.whl && rm -r /wheels
USER ringflow
WORKDIR /data
VOLUME /data
# From outside of the container both ports are reached by its address only; say who may connect to FastAGI.
# The API needs TLS there: with a certificate in `http.tls` run it with RINGFLOW_HTTP__API=on.
ENV RINGFLOW_FASTAGI__HOST=0.0.0.0 RINGFLOW_HTTP__HOST=0.0.0.0 RINGFLOW_HTTP__API=off
EXPOSE 4573 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["sh", "-c", "test -e config.yaml || ringflow init --operator image; exec ringflow serve"]
