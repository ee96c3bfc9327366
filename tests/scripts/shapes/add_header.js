// -> headers X-Timestamp
function main(data) {
  data.routing.egress_routing.headers = [
    { key: 'X-Timestamp', value: +new Date() }
  ];
  return data;
}
