import mark from "./mark.svg?no-inline";

/** A Q of six stages. */
export function Mark() {
  return <img className="mark" src={mark} alt="" width="24" height="24" />;
}
