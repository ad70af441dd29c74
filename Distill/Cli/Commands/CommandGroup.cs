namespace InfMatch.Distill;

/// <summary>Under which heading a command stands in the help of the program.</summary>
internal enum CommandGroup
{
    /// <summary>Commands that make a set.</summary>
    Make,

    /// <summary>Commands that test a set or give it to others.</summary>
    Use,

    /// <summary>Commands that show and compare what runs found.</summary>
    Results,

    /// <summary>Commands about the values of settings.</summary>
    Settings,

    /// <summary>Commands about data, devices and the shell.</summary>
    Machine,
}

/// <summary>The headings of <see cref="CommandGroup"/>.</summary>
internal static class CommandGroups
{
    /// <summary>The heading of a group.</summary>
    public static string Heading(CommandGroup group) => group switch
    {
        CommandGroup.Make => "Distil",
        CommandGroup.Use => "Use a set",
        CommandGroup.Settings => "Choose settings",
        CommandGroup.Machine => "Data and machine",
        _ => "Look at results",
    };
}
