"""The configuration that connects an operator's Asterisk to Ringflow."""

from ringflow.asterisk.config_files import AsteriskConfigSettings, write_asterisk_config

__all__ = ["AsteriskConfigSettings", "write_asterisk_config"]
