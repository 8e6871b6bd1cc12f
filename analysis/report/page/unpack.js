// What the page holds packed: text by its name, unpacked when it is first asked for.
const held = {};

function unpacked(name, make) {
  held[name] ??= (async () => {
    const packed = document.getElementById(name).textContent;
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return make(await new Response(stream).text());
  })();
  return held[name];
}

const library = (name) =>
  unpacked(name, (code) => import(URL.createObjectURL(new Blob([code], { type: "text/javascript" }))));

const style = (name) =>
  unpacked(name, (text) => {
    const element = document.createElement("style");
    element.textContent = text;
    document.head.prepend(element); // the page's own style comes after it
  });
