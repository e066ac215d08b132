# fish completion of hosttune, printed by `hosttune hook completion fish`
function __hosttune_complete
    set -l token (commandline -ct)
    # of --option=value the path is what follows
    set -l head (string match -r -- '^--[^=]+=' "$token")
    set -l path (string replace -- "$head" '' "$token")
    for line in (command hosttune hook complete -- (commandline -cp | string collect) 2>/dev/null)
        switch "$line"
            case ':files'
                printf "$head%s\n" (__fish_complete_path "$path")
            case ':directories'
                printf "$head%s\n" (__fish_complete_directories "$path" '')
            case '*'
                printf '%s\n' "$line"
        end
    end
end
complete -c hosttune -f -a '(__hosttune_complete)'
