// SPDX-License-Identifier: Apache-2.0

/// What several of our scripts share.
///
/// To start a program costs a machine more than all else in these scripts. So nothing is started for each user that can be
/// started for all, and what the shell can do itself it does.
enum ScriptParts {
    static let library = #"""
        # in_parts ARRAY COMMAND...: COMMAND with the elements of ARRAY as its last arguments, five hundred to a call; the last
        # status that is not 0.
        in_parts() {
            local -n in_parts_of=$1
            local at status=0
            shift
            for ((at = 0; at < ${#in_parts_of[@]}; at += 500)); do
                "$@" "${in_parts_of[@]:at:500}" || status=$?
            done
            return "$status"
        }
        # has_shell PATH: whoever had another could not sign in. passwd(5): none is /bin/sh.
        has_shell() { [ -f "${1:-/bin/sh}" ] && [ -x "${1:-/bin/sh}" ]; }
        # hear COMMAND...: runs it and leaves in $heard the first 1000 bytes of what it said. It is waited for until it ends, and no
        # longer: a process that it leaves, or another of the user's that it runs as, may keep the pipe open. So we say its end
        # ourselves. COMMAND has to have a deadline.
        hear() {
            local said=
            IFS= read -r -d $'\036' -n 1000 -t 60 said \
                < <("$@" 2>&1; status=$?; trap '' PIPE; printf '\036' 2>/dev/null; exit "$status")
            heard=${said%$'\n'}
            wait "$!"
        }

        """#
}
