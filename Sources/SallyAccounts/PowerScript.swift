// SPDX-License-Identifier: Apache-2.0

/// Lists Slurm's administrators and the members of privileged groups on the controller.
enum PowerScript {
    static func make(in layout: ClusterLayout) -> String {
        // By name as well: a directory may not list all its groups.
        let names = PrivilegedGroups.names.sorted().map(shellQuoted).joined(separator: " ")
        return layout.prologue + library
            + ProbeScript.main([
                "admins", "members \(names)", "printf 'end\\n'",
            ])
    }

    private static let library = #"""
        admins() {
            local all
            all=$(sacctmgr -nP show user format=user,adminlevel) || exit 69
            awk -F'|' -v OFS='\t' '$2 != "" && $2 != "None" { print "admin", $1, $2 }' <<<"$all"
        }
        members() {
            { getent group; getent group "$@"; } | sort -u | awk -F: -v OFS='\t' -v names=" $* " '
                $4 != "" && ($3 < 1000 || index(names, " " $1 " ")) {
                    count = split($4, member, ",")
                    for (i = 1; i <= count; i++) if (member[i] != "") print "member", member[i], $1, $3
                }'
        }

        """#
}
