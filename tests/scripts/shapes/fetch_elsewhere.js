// -> failed: fetch_elsewhere.js:3:82: fetch: example.net is not among scripts.hosts of config.yaml
async function main(data) {
  await fetch('https://example.net/hook', { method: 'POST', body: JSON.stringify(data) });
  return data;
}
