// SPDX-License-Identifier: Apache-2.0

/// Functions that make users' folders on a machine's own disk, and links to them.
enum ScratchScript {
    /// What is there is left as it is: its owner was given once, and is not given again to all that lies in it.
    static let library = #"""
        # tar_folders NAME:UID...: a tar(5) archive (ustar) of empty folders with these names and owners, 0700. It has room for
        # uids below 2^21.
        tar_folders() {
            local one name id text codes sum nuls code_of="'"
            local -a letters
            printf -v nuls '\\000%.0s' {1..512}
            for one; do
                name=${one%:*}
                printf -v id '%07o' "${one#*:}"
                # The sum of all bytes, of which 2363 is what stands in each; uid and gid are the same. A loop would take twice as long.
                text=$name$id$id
                [[ $text =~ ${text//?/(.)} ]]
                letters=("${BASH_REMATCH[@]:1}")
                printf -v codes '+%d' "${letters[@]/#/$code_of}"
                sum=$((2363 $codes))
                printf "%s${nuls:0:4*(100 - ${#name})}0000700\\000$id\\000$id\\000%011d\\000%011d\\000%06o\\000 5" "$name" 0 0 "$sum"
                printf "${nuls:0:400}ustar\\00000${nuls:0:4*247}"
            done
            printf "$nuls$nuls"
        }
        # stage_folders FOLDER NAME:UID...: makes FOLDER, which root alone can reach, and in it an empty folder for each. All by one
        # tar(1): mkdir(1) and chown(1) for each would take more time than all else.
        stage_folders() {
            local folder=$1 one
            fresh_folder "$folder" || return 1
            shift
            for one; do [ "${one#*:}" -lt 2097152 ] || break; one=; done
            [ -z "$one" ] && tar_folders "$@" | tar -x -p -m --numeric-owner -C "$folder" && return
            fresh_folder "$folder" || return 1
            for one; do
                mkdir -m 0700 -- "$folder/${one%:*}" && chown -h "${one#*:}:${one#*:}" -- "$folder/${one%:*}"
            done
        }
        # see_paths ARRAY: leaves in $is what lies at these paths: its type and owner, and where a link leads.
        see_paths() {
            local path have
            is=()
            while IFS=$'\t' read -r path have; do is[$path]=$have; done < <(in_parts "$1" list_owned 2>/dev/null)
        }
        list_owned() {
            find "$@" -maxdepth 0 \( -lname "*[![:print:]]*" -printf "%p\t%y%U ?\n" -o -printf "%p\t%y%U %l\n" \)
        }
        # make_scratch FOLDER LINKS: reads names and uids. A folder for each in FOLDER, and a link to it in LINKS (or - for none).
        make_scratch() {
            local place=$1 links=$2 name uid parent against= parents=("$1") paths=() staged=() folders=()
            local -A owner=() is=()
            [ "$links" = - ] || parents+=("$links")
            for parent in "${parents[@]}"; do [ -e "$parent" ] || (umask 022; mkdir -p -- "$parent"); done
            roots_own "${parents[@]}" || for parent in "${parents[@]}"; do
                roots_own "$parent" || against=${against:-others than root can write to $parent}
            done
            while IFS=$'\t' read -r name uid; do
                if [ -n "${spoiled[$name]-}" ]; then
                    continue
                elif [ -n "$against" ]; then
                    spoil "$name" scratch "$against"
                else
                    owner[$name]=$uid
                    paths+=("$place/$name")
                    [ "$links" = - ] || paths+=("$links/$name")
                fi
            done
            for name in "${!owner[@]}"; do
                [ -e "$place/$name" ] || [ -L "$place/$name" ] || staged+=("$name:${owner[$name]}")
            done
            if [ "${#staged[@]}" -gt 0 ]; then
                # Beside its place first: what is there by now, a mounted disk perhaps, gets no other owner (mv -n).
                stage_folders "$place/.sallyport-new" "${staged[@]}" 2>/dev/null
                folders=("${staged[@]%:*}")
                folders=("${folders[@]/#/"$place/.sallyport-new/"}")
                in_parts folders mv -n -t "$place" -- 2>/dev/null
                rm -rf --one-file-system -- "$place/.sallyport-new"
            fi
            see_paths paths
            folders=()
            for name in "${!owner[@]}"; do
                if [ "${is[$place/$name]-}" != "d${owner[$name]} " ]; then
                    spoil "$name" scratch "$place/$name is there and is not a folder of uid ${owner[$name]}"
                    unset "owner[$name]"
                elif [ "$links" != - ] && [ -z "${is[$links/$name]-}" ]; then
                    folders+=("$place/$name")
                fi
            done
            in_parts folders ln -s -t "$links" -- 2>/dev/null
            for name in "${!owner[@]}"; do
                if [ "$links" = - ] || [ "${is[$links/$name]-}" = "l0 $place/$name" ] ||
                    { [ -z "${is[$links/$name]-}" ] && [ -L "$links/$name" ] && [ "$links/$name" -ef "$place/$name" ]; }; then
                    report scratch done "$place/$name" "$name"
                else
                    spoil "$name" scratch "$links/$name is there and does not lead to $place/$name"
                fi
            done
        }

        """#
}
