// SPDX-License-Identifier: Apache-2.0

import SallyKeepProtocol
import SallyModel
import SallyTransport

/// Reads a piece of a file as a user, without a shell of theirs and without PAM.
///
/// Every look at the file is made by a program that is that user (setpriv(1)): whatever a path leads to, it shows
/// nothing that the user could not read by themselves. On top of that no link is followed: the path must be its own
/// `realpath`, the last part is opened with O_NOFOLLOW; the file must be a regular one before and after, of a file system
/// that keeps files; the open does not block, and ten seconds end it.
enum OutputScript {
    /// The most bytes of one piece.
    static let limit = 1 << 20

    enum Failure: Int32 {
        case noSuchFile = 44
        case link = 45
        case notRegular = 46
        case changed = 47
        case noSuchUser = 48
        case unreadable = 49
        case tooSlow = 124
    }

    private static let script = #"""
        set -u
        export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
        main() {
            local user=$1 uid=$2 path=$3 offset=$4 limit=$5 gid real before after size data=
            [ "$(id -u -- "$user" 2>/dev/null)" = "$uid" ] && [ "$uid" -ge 1000 ] && gid=$(id -g -- "$user") || exit 48
            as_user() {
                timeout -k 1 10 setpriv --reuid="$uid" --regid="$gid" --init-groups --no-new-privs --inh-caps=-all \
                    --bounding-set=-all env -i LC_ALL=C PATH=/usr/bin:/bin "$@"
            }
            cd / || exit 49
            real=$(as_user realpath -e -- "$path" 2>/dev/null && printf x) || missing "$?"
            [ "$real" = "$path"$'\n'x ] || exit 45
            before=$(as_user stat -c '%F|%d:%i' -- "$path" 2>/dev/null) || missing "$?"
            case $before in 'regular file|'* | 'regular empty file|'*) ;; *) printf '%s' "${before%%|*}"; exit 46 ;; esac
            case $(as_user stat -f -c %T -- "$path" 2>/dev/null) in
            '' | proc | sysfs | devtmpfs | debugfs | tracefs | configfs | securityfs | cgroupfs | cgroup2fs) exit 46 ;;
            esac
            size=$(as_user stat -c %s -- "$path" 2>/dev/null) || missing "$?"
            if [ "$offset" -lt "$size" ]; then
                set -o pipefail
                data=$(as_user dd if="$path" iflag=nofollow,nonblock,skip_bytes,count_bytes bs=65536 \
                    skip="$offset" count="$limit" status=none 2>/dev/null | base64 -w 0) || missing "$?"
            fi
            after=$(as_user stat -c '%F|%d:%i' -- "$path" 2>/dev/null) || exit 47
            [ "${after#*|}" = "${before#*|}" ] || exit 47
            case $after in 'regular file|'* | 'regular empty file|'*) ;; *) exit 47 ;; esac
            printf '%s\n%s\nend\n' "$size" "$data"
        }
        # realpath, stat and dd say 1 for what is not there and what may not be read alike; 124 is the deadline.
        missing() {
            [ "$1" != 124 ] || exit 124
            as_user test -e "$path" && exit 49
            exit 44
        }
        main "$@" </dev/null
        """#

    static func invocation(user: UserName, uid: UserID, path: String, offset: Int64, limit: Int) -> Invocation {
        .script(
            script, arguments: [user.rawValue, "\(uid)", path, "\(offset)", "\(min(limit, Self.limit))"],
            deadline: .seconds(30), outputLimit: 2 << 20)
    }

    /// Size in bytes and base64 of the piece.
    ///
    /// - Throws: `SallyError(.unavailable)` when the answer is cut off.
    static func parse(_ output: String) throws -> (size: Int64, data: String) {
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, lines[2] == "end", let size = Int64(lines[0]) else {
            throw SallyError(.unavailable, "the output could not be read whole", hint: "try again")
        }
        return (size, String(lines[1]))
    }
}
