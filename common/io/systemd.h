// sd_notify without libsystemd: tells a supervisor of Type=notify that requests are answered now.
#pragma once

namespace meridian::io {

/// Sends READY=1 to $NOTIFY_SOCKET; does nothing where that is not set.
void notify_systemd_ready();

}  // namespace meridian::io
