// -> 404 Not Found
function main() {
  err([404, 'Not Found']);
}
