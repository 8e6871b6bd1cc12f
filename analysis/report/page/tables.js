// Tables that sort, filter and search: DataTables, over the rows that the page holds.
const AT_ONCE = 25;
const FEW = 8;
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => text.replace(/[&<>"']/g, (letter) => ESCAPES[letter]);

// A cell is its text, or a list: text, number to sort by, class, address of a link.
const parts = (cell) => (Array.isArray(cell) ? cell : [cell]);

function render(column, cell, use) {
  const [text, value, , link] = parts(cell);
  if (use === "display") return link ? `<a href="${escaped(link)}">${escaped(text)}</a>` : escaped(text);
  if (use === "filter") return column.kind === "number" ? (value ?? "—") : text;
  return column.byNumber ? (value ?? "") : text.toLowerCase();
}

const CONTROLS = {
  number: [{ extend: "dropdown", icon: "search", text: "Filter", content: ["searchNumber"] }],
  label: [{ extend: "dropdown", icon: "search", text: "Filter", content: ["searchList"] }],
  text: [{ extend: "dropdown", icon: "search", text: "Filter", content: ["searchText"] }],
};

function columnOf(column, index, rows) {
  column.byNumber = rows.some((row) => parts(row[index])[1] != null);
  return {
    type: column.byNumber ? "num" : "string",
    className: column.kind,
    columnControl: rows.length > FEW ? CONTROLS[column.kind] : [],
    render: (cell, use) => render(column, cell, use),
    createdCell: (td, cell) => {
      td.dataset.label = column.heading;
      const look = parts(cell)[2];
      if (look) td.classList.add(...look.split(" "));
    },
  };
}

async function makeTable(table) {
  const [{ default: DataTable }, { columns, rows }] = await Promise.all([
    library("datatables"),
    unpacked(table.dataset.rows, JSON.parse),
    style("datatables-style"),
  ]);
  const isLong = rows.length > AT_ONCE;
  new DataTable(table, {
    data: rows,
    columns: columns.map((column, index) => columnOf(column, index, rows)),
    order: [],
    autoWidth: false,
    deferRender: true,
    paging: isLong,
    pageLength: AT_ONCE,
    lengthMenu: [10, AT_ONCE, 100, { label: "all", value: -1 }],
    layout: {
      topStart: rows.length > FEW ? "search" : null,
      topEnd: isLong ? "pageLength" : null,
      bottomStart: isLong ? "info" : null,
      bottomEnd: isLong ? "paging" : null,
    },
    language: { search: "", searchPlaceholder: "Search this table", lengthMenu: "_MENU_ rows" },
  });
}
