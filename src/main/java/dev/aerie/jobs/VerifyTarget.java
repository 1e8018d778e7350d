package dev.aerie.jobs;

import dev.aerie.host.HostModel;
import dev.aerie.host.ModelCache;
import dev.aerie.target.Target;
import dev.aerie.target.TargetVerification;
import dev.aerie.torch.DType;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Compares a target with a golden file, before GPU-weeks are spent on it. */
@Command(name = "verify-target",
        description = "Compares every layer's output and the logits with those computed elsewhere, in float32; exit code 1 over "
                + "tolerance.")
final class VerifyTarget implements Callable<Integer> {

    @Option(names = "--model", required = true, paramLabel = "FOLDER",
            description = "The target, in Hugging Face layout: a folder, or a URI, which is copied to this host.")
    private String model;

    @Option(names = "--golden", required = true, paramLabel = "FILE",
            description = "A safetensors file with input_ids, cu_seqlens, hidden_states.k and logits.")
    private Path golden;

    @Option(names = "--tolerance", defaultValue = "1e-4", paramLabel = "SHARE",
            description = "Largest allowed error, as a share of the tensor's largest magnitude (${DEFAULT-VALUE}).")
    private double tolerance;

    @Mixin
    private CommonOptions common;

    @Override
    public Integer call() throws IOException {
        Configuration hadoop = HadoopConf.submitted();
        Places.requireReachable(hadoop, List.of(Place.option("--model", model).asModel()));
        Path folder = HostModel.find(model, ModelCache.USUAL, hadoop).folder(hadoop);
        try (Scope scope = Scope.open(); Target target = Target.load(folder, DType.F32, Device.CPU)) {
            TargetVerification found = TargetVerification.compare(target, golden);
            System.out.print(found);
            boolean good = found.largestError() <= tolerance;
            System.out.printf(Locale.ROOT, "%s: largest %.2e, tolerance %.0e%n",
                    good ? "agrees" : "DIFFERS", found.largestError(), tolerance);
            return good ? 0 : CommandLines.FOUND;
        }
    }
}
