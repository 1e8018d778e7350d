package dev.aerie.jobs;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * Runs a command and ends the JVM with its exit code: 0 done, 1 a check found a difference, 2 the request was refused, 3 a
 * failure. So the caller knows whether a retry can help. An error is one sentence on stderr; {@code --verbose} adds the stack
 * trace.
 */
final class CommandLines {

    /** A check found a difference, or a plan does not fit. */
    static final int FOUND = 1;
    static final int WRONG = 2;
    static final int FAILED = 3;

    private CommandLines() {}

    static void main(Callable<Integer> command, String[] arguments) {
        int code = run(command, arguments);
        if (code != 0) {
            System.exit(code);
        }
    }

    static int run(Callable<Integer> command, String... arguments) {
        CommandLine line = new CommandLine(command)
                .setExecutionExceptionHandler(CommandLines::handle)
                .setParameterExceptionHandler(CommandLines::refuse)
                .setCaseInsensitiveEnumValuesAllowed(true);
        try {
            return line.execute(arguments);
        } catch (Error e) {
            // Errors such as exhausted memory or a missing native library, which picocli does not catch.
            if (List.of(arguments).contains("--verbose")) {
                e.printStackTrace(line.getErr());
            }
            boolean wrong = UserErrors.isOne(e);
            line.getErr().println(wrong ? "Error: " + UserErrors.sentence(e) : "Failed: " + e);
            line.getErr().flush();
            return wrong ? WRONG : FAILED;
        }
    }

    private static int refuse(CommandLine.ParameterException e, String[] arguments) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("Error: " + e.getMessage());
        err.println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
        err.flush();
        return WRONG;
    }

    private static int handle(Exception e, CommandLine command, ParseResult parsed) {
        PrintWriter err = command.getErr();
        boolean wrong = UserErrors.isOne(e);
        err.println((wrong ? "Error: " : "Failed: ") + UserErrors.sentence(e));
        if (verbose(parsed)) {
            e.printStackTrace(err);
        } else if (!wrong) {
            err.println("--verbose shows where.");
        }
        if (UserErrors.isFaultOfOurs(e)) {
            err.println("This is a fault of Aerie, not of your input: please report it with what --verbose shows.");
        }
        err.flush();
        return wrong ? WRONG : FAILED;
    }

    private static boolean verbose(ParseResult parsed) {
        for (ParseResult p = parsed; p != null; p = p.subcommand()) {
            if (p.hasMatchedOption("--verbose")) {
                return true;
            }
        }
        return false;
    }
}
