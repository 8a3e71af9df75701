import { Columns } from "./DealTable";

/** Fills the first screen at the height of the real rows: nothing moves when they arrive. */
const ROWS = Array.from({ length: 12 }, (_, index) => `row-${index}`);
const CELLS = ["status", "deal", "steps", "now", "owner", "amount", "updated"];

export function LoadingRows() {
  return (
    <div className="loading-rows">
      <p role="status" className="visually-hidden">
        Loading deals
      </p>
      <table className="deal-table" aria-hidden="true">
        <Columns />
        <tbody>
          {ROWS.map((row) => (
            <tr key={row}>
              {CELLS.map((cell) => (
                <td key={cell} className={cell}>
                  <span className="bone" />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
