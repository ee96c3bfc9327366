// -> 480 Disallowed by Date/Time Restriction
function main(data) {
  var err = [480, 'Disallowed by Date/Time Restriction'];
  if (data.routing.dest_number) return Promise.reject(err);
  return data;
}
