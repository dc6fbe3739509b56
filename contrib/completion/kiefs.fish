# fish completion for kiefs(1). The options are those that `kiefs --help` lists.

function __kiefs_program
    set -l words (commandline -opc)
    echo $words[1]
end

# The last of the options after -o, whole each time, as fish replaces the word.
function __kiefs_options
    set -l word (commandline -ct | string replace -r -- '^-o' '')
    set -l head (string replace -r -- '[^,]*$' '' $word)
    set -l item (string replace -r -- '^.*,' '' $word)
    set -l name (string replace -r -- '=.*' '' $item)
    for line in (eval (__kiefs_program) --help 2>/dev/null)
        set -l part (string match -r -- '^  ([a-z_]+)=(\S+)\s+(.*)$' $line)
        or continue
        if not string match -q -- '*=*' $item
            printf '%s\t%s\n' $head$part[2]= $part[4]
        else if test $part[2] = $name
            switch $part[3]
                case PATH
                    for path in (__fish_complete_path (string replace -r -- '^[^=]*=' '' $item))
                        printf '%s\n' $head$name=$path
                    end
                case '*|*'
                    printf '%s\n' $head$name=(string split '|' $part[3])
            end
        end
    end
    if not string match -q -- '*=*' $item
        printf '%s\n' $head{allow_other,allow_root,auto_unmount,fsname=,max_read=,noatime}
    end
end

function __kiefs_commands
    eval (__kiefs_program) --help 2>/dev/null | string replace -rf -- '^ +kiefs ([a-z]+) .*' '$1'
end

complete -c kiefs -x -a '(__fish_complete_directories (commandline -ct))'
complete -c kiefs -n __fish_is_first_arg -x -a '(__kiefs_commands)'
complete -c kiefs -n '__fish_seen_subcommand_from (__kiefs_commands)' -F
complete -c kiefs -s o -x -a '(__kiefs_options)' -d 'Options'
complete -c kiefs -s f -f -d 'Stay in the foreground'
complete -c kiefs -s d -f -d 'The same, with a trace of all FUSE requests'
complete -c kiefs -l demo -f -d 'A simulated API: no key, no network, no cost'
complete -c kiefs -s h -l help -f -d 'Print all options'
complete -c kiefs -s V -l version -f -d 'Print the version'
