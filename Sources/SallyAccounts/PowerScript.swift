// SPDX-License-Identifier: Apache-2.0

import SallyModel

/// Lists Slurm's administrators and the members of privileged groups on the controller, those included whose primary
/// group it is, whom group(5) does not list.
enum PowerScript {
    static func make(among users: Set<UserName>, in layout: ClusterLayout) -> String {
        // By name as well: a directory may not list all its groups and people.
        let names = PrivilegedGroups.names.sorted().map(shellQuoted).joined(separator: " ")
        let people = users.map(\.rawValue).sorted().map(shellQuoted).joined(separator: " ")
        return layout.prologue + library
            + ProbeScript.main([
                "admins", "members \(names)", "primaries \(PrivilegedGroups.names.count) \(names) \(people)",
                "printf 'end\\n'",
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
        # Whose primary group is privileged; one without a name is called by its number.
        primaries() {
            local count=$1
            shift
            { getent group; getent group "${@:1:count}"; } | sort -u | awk -F: -v OFS='\t' -v names=" ${*:1:count} " '
                NR == FNR { if (index(names, " " $1 " ") || $3 < 1000) label[$3] = label[$3] " " $1; next }
                $4 != "" && ($4 < 1000 || $4 in label) {
                    found = split($4 in label ? label[$4] : $4, group, " ")
                    for (i = 1; i <= found; i++) print "member", $1, group[i], $4
                }' - <(getent passwd; getent passwd "${@:count + 1}")
        }

        """#
}
