type Props = { onClose: () => void; onStep: (by: 1 | -1) => void };

export function SheetButtons({ onClose, onStep }: Props) {
  return (
    <div className="sheet-buttons">
      <IconButton name="Previous deal" path="m4 10 4-4 4 4" onClick={() => onStep(-1)} />
      <IconButton name="Next deal" path="m4 6 4 4 4-4" onClick={() => onStep(1)} />
      <IconButton name="Close" path="m4 4 8 8m0-8-8 8" onClick={onClose} />
    </div>
  );
}

function IconButton({ name, path, onClick }: { name: string; path: string; onClick: () => void }) {
  return (
    <button type="button" className="icon-button" aria-label={name} title={name} onClick={onClick}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={path} />
      </svg>
    </button>
  );
}
