// -> app other
async function main(data) {
  const digits = data.routing.dest_number.replace(/\D/g, '');
  if (digits.endsWith('0100')) data.routing.dest_number = '100';
  return data;
}
