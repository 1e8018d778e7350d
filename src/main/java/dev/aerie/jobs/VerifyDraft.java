package dev.aerie.jobs;

import dev.aerie.draft.DraftVerification;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Checks that libtorch on this machine computes the draft's loss and gradient like SpecForge. */
@Command(name = "verify-draft",
        description = "Compares losses, metrics and gradients of a draft with golden ones; exit code 1 over tolerance.")
final class VerifyDraft implements Callable<Integer> {

    @Option(names = "--golden", required = true, paramLabel = "DIR",
            description = "A folder with golden.json and golden.safetensors.")
    private Path golden;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() {
        List<DraftVerification.Check> checks = DraftVerification.run(golden);
        checks.forEach(System.out::println);
        long failed = checks.stream().filter(check -> !check.passed()).count();
        System.out.println(checks.size() + " comparisons, " + failed + " over tolerance");
        return failed == 0 && !checks.isEmpty() ? 0 : CommandLines.FOUND;
    }
}
