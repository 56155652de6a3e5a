"""The daemon as a process, before real software: Chromium, TigerVNC, the stock websockify command, OpenSSH."""
