// SPDX-License-Identifier: Apache-2.0

package import SallyModel

/// What tells the file system with a cluster's homes from another that is mounted, or not mounted, in its place: a file
/// `.sallyport-home` beside the homes, root's, 0644, whose first line is 32 random hexadecimal digits.
///
/// The machine that serves homes makes it once, before it is needed; all others have to find the same one there before
/// they get accounts.
package struct HomeMarks: Sendable, Equatable {
    /// The digits, by the folder that the homes are in.
    package var ids: [String: String] = [:]

    /// Where homes are unless somebody says otherwise.
    static let usualFolder = "/home"

    package init() {}

    /// In the place of digits, of a folder in which autofs(5) mounts each home by itself. There no file lies beside them, and no
    /// folder takes the place of a home that is not mounted.
    static let oneByOne = "autofs"

    /// Folders in which a machine that has `found` there has other homes, as far as we know them.
    func others(_ found: HomeMarks) -> [String] {
        ids.filter { folder, id in
            id != HomeMarks.oneByOne && found.ids[folder] != id && found.ids[folder] != HomeMarks.oneByOne
        }.map(\.key).sorted()
    }

    /// What is said of such a folder.
    package static func other(_ folder: String, on node: NodeName, than server: NodeName) -> SallyError {
        SallyError(
            .unavailable,
            "\(folder) on \(node) is not the file system of \(server): mount it there, then run the same command again")
    }

    /// Where homes of these users are.
    static func folders(_ homes: some Sequence<String>) -> [String] {
        Set(homes.map { home in home.lastIndex(of: "/").map { String(home[..<$0]) } ?? home }).filter { !$0.isEmpty }
            .sorted()
    }

    static func newID() -> String {
        [UInt64.random(in: .min ... .max), .random(in: .min ... .max)].map { number in
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The step by which a script says that a folder is another. Its detail is the folder.
    static let step = "homes"

    /// A script that makes those marks that are missing, and says all.
    static func making(in folders: [String], _ layout: ClusterLayout) -> String {
        layout.prologue + AccountScript.stepLibrary + library + makingLibrary
            + ProbeScript.main([hereDocument("make_marks", folders.map { [$0, newID()] }), "printf 'end\\n'"])
    }

    /// Starts no program.
    static let library = #"""
        # home_mark FOLDER: leaves in $mark which file system the homes in it are on; nothing where that is not known.
        home_mark() {
            local file=$1/.sallyport-home
            mark=
            [ ! -L "$file" ] && [ -f "$file" ] && [ -O "$file" ] || return 0
            { IFS= read -r -n 64 mark <"$file"; } 2>/dev/null
            case $mark in *[!0-9a-f]*) mark= ;; esac
            [ "${#mark}" = 32 ] || mark=
        }
        mounts=/proc/self/mounts
        probe_marks() {
            local folder mark line lines
            for folder; do
                home_mark "$folder"
                # proc(5), mounts; what was mounted last is what is seen.
                if [ -z "$mark" ] && mapfile -t lines <"$mounts"; then
                    for line in "${lines[@]}"; do
                        case $line in *" $folder autofs "*) mark=autofs ;; *" $folder "*) mark= ;; esac
                    done
                fi
                [ -z "$mark" ] || printf 'mark\t%s\t%s\n' "$folder" "$mark"
            done
        }

        """#

    /// `same_homes`: the end of a script on a machine that has other homes.
    static let comparingLibrary =
        library + #"""
            # same_homes: reads folders and marks.
            same_homes() {
                local folder id mark
                while IFS=$'\t' read -r folder id; do
                    home_mark "$folder"
                    [ "$mark" = "$id" ] || await_mark "$folder" "$id" || fail homes "$folder"
                done
            }
            # A machine may remember of a network's file system that something was not there (nfs(5), lookupcache): we ask anew, and where
            # that is of no use wait for half a minute. What lies on its own disk is there or not.
            await_mark() {
                local mark until=$((SECONDS + 35))
                while :; do
                    stat --cached=never -- "$1" >/dev/null 2>&1
                    home_mark "$1"
                    [ "$mark" != "$2" ] || return 0
                    [ -z "$mark" ] && [ "$SECONDS" -lt "$until" ] || return 1
                    case $(stat -f -c %T -- "$1" 2>/dev/null) in
                    '' | ext* | xfs | btrfs | zfs | f2fs | jfs | reiserfs | tmpfs | ramfs | overlayfs) return 1 ;;
                    esac
                    sleep 1
                done
            }

            """#

    private static let makingLibrary = #"""
        # make_marks: reads folders, and for each the mark that it gets if it has none. It is made beside its place, where root alone can
        # write, and moved there over nothing (mv -n).
        make_marks() {
            local folder id mark file said
            while IFS=$'\t' read -r folder id; do
                file=$folder/.sallyport-home
                home_mark "$folder"
                # Homes are not made there either, and that is said of them.
                [ -n "$mark" ] || roots_own "$folder" || continue
                if [ -z "$mark" ]; then
                    [ ! -L "$file" ] && [ ! -e "$file" ] ||
                        fail homes "$file is there and is not ours: nothing tells which machines have these homes; look at it and take it away"
                    [ ! -L "$file.new" ] && [ ! -e "$file.new" ] || rm -f -- "$file.new"
                    said=$({
                        umask 022
                        set -C
                        printf '%s\n' "$id" "# By this file Sallyport knows that a machine has these homes. Leave it here." >"$file.new" &&
                            sync "$file.new" && mv -nT -- "$file.new" "$file"
                    } 2>&1)
                    home_mark "$folder"
                    [ -n "$mark" ] || fail homes "$file cannot be made${said:+: $said}"
                fi
                printf 'mark\t%s\t%s\n' "$folder" "$mark"
            done
        }

        """#

    /// What `making` said.
    ///
    /// - Throws: `SallyError(.unavailable)` where a mark could not be made.
    init(parsing text: String, node: NodeName) throws {
        var ended = false
        for fields in ReportLines.fields(text) {
            switch (fields[0], fields.count) {
            case ("mark", 3): ids[fields[1]] = fields[2]
            case ("step", 4):
                throw SallyError(.unavailable, "on \(node) \(fields[3])", hint: "nothing was changed")
            case ("end", 1): ended = true
            default: break
            }
        }
        guard ended else {
            throw SallyError(.unavailable, "node \(node) did not say which homes it has", hint: "nothing was changed")
        }
    }
}
