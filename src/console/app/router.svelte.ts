/** Where the console is: the path below /console and the query, both of the address, so that every view can be shared. */

const BASE = "/console";

class Place {
  path = $state("/");
  query = $state(new URLSearchParams());
}

export const current = new Place();

function read() {
  current.path = location.pathname.slice(BASE.length) || "/";
  current.query = new URLSearchParams(location.search);
}

/** Goes to a path of the console, such as `/cards?status=used`. */
export function go(path: string, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", BASE + path);
  read();
}

addEventListener("popstate", read);
read();
