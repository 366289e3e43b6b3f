#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Packages start nothing while they are being installed (invoke-rc.d(8)).
exit 101
