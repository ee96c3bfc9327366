// -> cli 441910000005
function main(data) {
  const [first, last] = data.ranges[Math.floor(Math.random() * data.ranges.length)];
  data.routing.cli = first + Math.floor(Math.random() * (1 + last - first));
  if (data.routing.egress_routing) {
    data.routing.egress_routing.forEach(way => {
      if (way.gw) Object.keys(way.gw).forEach(id => { way.gw[id].cli = data.routing.cli; });
    });
  }
  return data;
}
