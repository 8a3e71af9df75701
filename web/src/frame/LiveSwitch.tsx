type Props = { live: boolean; onChange: (live: boolean) => void };

export function LiveSwitch({ live, onChange }: Props) {
  return (
    <button type="button" role="switch" aria-checked={live} className="live-switch" onClick={() => onChange(!live)}>
      Live
      <span className="track" aria-hidden="true" />
    </button>
  );
}
