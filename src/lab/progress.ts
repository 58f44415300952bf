/**
 * Keeps one line of a terminal up to date, four times a second of real time, until the returned function is called:
 * that clears it. On anything but a terminal it writes nothing. It does not keep the process alive.
 */
export function progress(stream: NodeJS.WriteStream, line: () => string): () => void {
  if (!stream.isTTY) return () => {};
  const timer = setInterval(() => stream.write(`\r\u001b[K${line().slice(0, (stream.columns || 80) - 1)}`), 250);
  timer.unref();
  return () => {
    clearInterval(timer);
    stream.write("\r\u001b[K");
  };
}
