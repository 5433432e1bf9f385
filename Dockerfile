# syncline and its emulator on a slim Python. Build: docker build -t syncline .
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 SYNCLINE_HOME=/data
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src src
COPY emulator emulator
RUN pip install --no-cache-dir --constraint constraints.txt ./emulator . \
    && useradd --create-home --uid 1000 syncline \
    && install --directory --owner syncline /data

USER syncline
VOLUME /data
EXPOSE 8040
STOPSIGNAL SIGTERM
ENTRYPOINT ["syncline"]
CMD ["serve", "--host", "0.0.0.0"]
