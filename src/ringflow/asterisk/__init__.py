"""The configuration that connects an operator's Asterisk to Ringflow."""

from ringflow.asterisk.config_files import AsteriskConfigSettings, config_diff, write_asterisk_config

__all__ = ["AsteriskConfigSettings", "config_diff", "write_asterisk_config"]
