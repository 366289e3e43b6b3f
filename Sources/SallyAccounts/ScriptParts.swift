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

        """#
}
