// -> nothing changed
function main(data = {}) {
  return data;
}
