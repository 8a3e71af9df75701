"""All settings with their defaults and meanings. README.md lists the same settings; a test compares them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from core.address import Address
from core.dot_env import read_dot_env
from core.errors import ConfigurationError
from core.text_files import is_unicode, read_text

HUBSPOT_API = "https://api.hubapi.com"
DATABASE_URL_FILE = "database-url"
SANDBOX_URL_FILE = "sandbox-url"
ADMIN_TOKEN_FILE = "admin-token"  # noqa: S105 - the name of a file, not a secret

# Bounds, so that no number overflows a time or a column of the database.
HOUR, WEEK = 3_600, 7 * 24 * 3_600
MOST_DAYS, MOST_DEALS = 36_500, 1_000_000_000

Port = Annotated[int, Field(ge=1, le=65535)]
BackfillProcess = Literal["open", "all", "none"]


class Settings(BaseSettings):
    """Read from the environment, then from `.env` in the working folder."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address that the page and the API listen on.")
    port: Port = Field(8000, description="Port that the page and the API listen on.")
    data_dir: Path = Field(Path(".data"), description="Folder for the embedded database, logs and the admin token.")
    database_url: SecretStr | None = Field(
        None, description="PostgreSQL to use, `postgresql://user:password@host/name`. Unset: an embedded one."
    )
    hubspot_token: SecretStr | None = Field(
        None, description="HubSpot service key or private-app token. Unset: the built-in sandbox."
    )
    hubspot_base_url: str = Field(HUBSPOT_API, description="Where HubSpot's API is; https, or http on loopback.")
    sync_interval_seconds: int | None = Field(
        None, ge=1, le=WEEK, description="Seconds between two syncs. Unset: 300 with HubSpot, 5 with the sandbox."
    )
    worker_concurrency: int = Field(10, ge=1, le=100, description="Deals that one worker processes at a time.")
    worker_name: str | None = Field(
        None,
        description="Name of this worker, by which it finds its own runs after a restart; must be unique. "
        "Unset: one of the data folder's own under `make run`, else a new one at each start.",
    )
    api_tokens: SecretStr = Field(
        SecretStr(""), description="`name:role:sha256hex,...`; `python -m api token NAME --role R` prints such a line."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Lowest level of the events that are logged."
    )
    log_to: Literal["files", "stdout"] = Field(
        "files", description="Where logs are written: to `DATA_DIR/logs`, or to standard output."
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="Format of logs: one JSON object per line, or text for people."
    )
    lease_seconds: float = Field(
        12,
        ge=0.5,
        le=HOUR,
        description="Seconds after which the lease of a run expires when its worker does not renew it.",
    )
    reaper_interval_seconds: float = Field(
        2,
        ge=0.1,
        le=HOUR,
        description="Seconds between two passes of the reaper, which requeues runs whose lease has expired.",
    )
    leader_ttl_seconds: float = Field(
        15,
        ge=0.5,
        le=HOUR,
        description="Seconds after which the leading scheduler loses its leadership when it does not renew it.",
    )
    overlap_seconds: int = Field(
        60,
        ge=1,
        le=WEEK,
        description="Seconds that each sync looks back, because HubSpot's search index shows changes late.",
    )
    settle_seconds: int = Field(
        3600,
        ge=6,
        le=WEEK,
        description="Seconds after which HubSpot's search index shows every change. Six times within them, a settle "
        "scan looks for changes that the syncs have missed, and the recycle bin is read.",
    )
    reconcile_hour: int = Field(
        3, ge=0, le=23, description="Hour of the day, UTC, in which all deals are compared with HubSpot's."
    )
    backfill_process: BackfillProcess = Field(
        "open", description="Which of the deals that existed before the first sync are processed."
    )
    rerun_on: str = Field(
        "",
        description="HubSpot properties, separated by commas, whose change starts a new run of the deal; or `none`. "
        "Unset: every property that a rule reads.",
    )
    rules_file: Path | None = Field(
        None, description="TOML file of the rules that differ from `pipeline/rulebook/rules.toml`. Unset: none."
    )
    write_back: bool = Field(
        False, description="Whether findings are written to HubSpot: the `dealqueue_*` properties, notes and tasks."
    )
    sync_hold_above: int = Field(
        1000,
        ge=0,
        le=MOST_DEALS,
        description="When one sync finds more new deals, or more changed deals wait, further runs are held until "
        "`python -m pipeline approve`.",
    )
    watchdog_seconds: float = Field(
        20,
        ge=1,
        le=HOUR,
        description="Seconds after which a process that cannot do its work exits, so that it is restarted.",
    )
    sandbox_port: Port | None = Field(None, description="Port of the sandbox. Unset: a free one.")
    sandbox_deals: int = Field(500, ge=0, le=MOST_DEALS, description="Number of deals in a new sandbox.")
    sandbox_seed: int = Field(1, description="Seed of the sandbox's data: the same seed creates the same data.")
    sandbox_lively: bool = Field(True, description="Whether the sandbox keeps creating and editing deals.")
    retention_days: int = Field(
        90, ge=1, le=MOST_DAYS, description="Days that a finished run is kept; the latest run of a deal is always kept."
    )
    sync_runs_retention_days: int = Field(30, ge=1, le=MOST_DAYS, description="Days that the record of a sync is kept.")
    audit_retention_days: int = Field(
        365, ge=1, le=MOST_DAYS, description="Days that audit events and ended bulk operations are kept."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Instead of pydantic's own reader of `.env`, which passes over what it cannot read."""
        file = cls.model_config.get("env_file")
        values = read_dot_env(Path(str(file)), cls.model_fields) if file else {}
        return init_settings, env_settings, InitSettingsSource(settings_cls, dict(values))

    @field_validator("*", mode="before")
    @classmethod
    def _is_unicode(cls, value: object) -> object:
        if isinstance(value, str) and not is_unicode(value):
            raise ValueError("the value is not UTF-8 text")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _readable(cls, value: SecretStr | None) -> SecretStr | None:
        """ConfigurationError, in each process and command alike."""
        if value is not None:
            Address.of(value.get_secret_value())
        return value

    @classmethod
    def load(cls) -> "Settings":
        """The settings of this process; ConfigurationError names every wrong one, or the line of `.env`."""
        try:
            return cls(_env_file=None)
        except ValidationError as error:
            found = error.errors(include_input=False)
            wrong = (f"{'.'.join(map(str, item['loc'])).upper()}: {_reason(item['msg'])}" for item in found)
            raise ConfigurationError("; ".join(wrong)) from None

    @property
    def rerun_properties(self) -> tuple[str, ...] | None:
        """None when RERUN_ON is not set."""
        if not self.rerun_on.strip():
            return None
        if self.rerun_on.strip().lower() == "none":
            return ()
        return tuple(name.strip() for name in self.rerun_on.split(",") if name.strip())

    @property
    def uses_sandbox(self) -> bool:
        return self.hubspot_token is None

    @property
    def sync_interval(self) -> int:
        """Seconds between two syncs."""
        return self.sync_interval_seconds or (5 if self.uses_sandbox else 300)

    def hubspot_url(self) -> str:
        """The base URL of HubSpot's API, or of the sandbox that `make run` started."""
        sandbox = self._sandbox()
        return self.hubspot_base_url if sandbox is None else sandbox[0]

    def hubspot_credential(self) -> SecretStr:
        """The token for HubSpot; `make run` writes the one for the sandbox into the data folder."""
        if self.hubspot_token is not None:
            return self.hubspot_token
        sandbox = self._sandbox()
        if sandbox is None:
            raise ConfigurationError(
                "HUBSPOT_TOKEN is not set. Set it to a HubSpot service key or private-app token, "
                "or start everything with `make run`, which uses the sandbox."
            )
        return SecretStr(sandbox[1])

    def _sandbox(self) -> tuple[str, str] | None:
        """URL and token of the sandbox; None when HubSpot itself is used, or `make run` has not started one."""
        text = read_text(self.data_dir / SANDBOX_URL_FILE) if self.uses_sandbox else None
        if text is None:
            return None
        url, _, token = text.strip().partition(" ")
        if not url.startswith("http://") or not token or " " in token:
            raise self._rubbish(SANDBOX_URL_FILE, "the address and the token of the sandbox")
        return url, token

    def database(self) -> str:
        """The database's URL: DATABASE_URL, or the URL of the embedded server that `make run` started."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        text = read_text(self.data_dir / DATABASE_URL_FILE)
        if text is None:
            raise ConfigurationError(
                f"No database: DATABASE_URL is not set and no embedded PostgreSQL was started in {self.data_dir}. "
                "Start one with `make run`, or set DATABASE_URL."
            )
        if not text.startswith("postgresql://"):
            raise self._rubbish(DATABASE_URL_FILE, "the URL of the embedded database")
        return text.strip()

    def _rubbish(self, name: str, wanted: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.data_dir / name} does not hold {wanted}. Delete it; the next `make run` writes it again."
        )


def _reason(message: str) -> str:
    """Pydantic's message; it marks those of our own validators."""
    return message.removeprefix("Value error, ")
