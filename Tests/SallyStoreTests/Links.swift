// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Makes a symbolic link; whether that worked.
func symlinkExists(from path: String, to target: String) -> Bool { symlink(target, path) == 0 }

/// Makes a folder with exactly these permission bits; whether that worked.
func makeFolder(_ path: String, mode: mode_t) -> Bool { mkdir(path, mode) == 0 && chmod(path, mode) == 0 }

/// Lets another thread run.
func sched() { sched_yield() }
