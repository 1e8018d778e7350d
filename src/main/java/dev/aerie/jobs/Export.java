package dev.aerie.jobs;

import static dev.aerie.jobs.RecipeKeys.EXPORT_OUTPUT;
import static dev.aerie.jobs.RecipeKeys.TRAIN_OUTPUT;

import dev.aerie.draft.DraftExport;
import dev.aerie.draft.DraftParameters;
import dev.aerie.files.Folder;
import dev.aerie.torch.Device;
import dev.aerie.torch.Scope;
import dev.aerie.train.TrainedDraft;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Writes the newest checkpoint of a training in the form that SGLang and vLLM load. */
@Command(name = "export",
        description = "Writes the newest checkpoint of train.output to export.output, as SGLang and vLLM load it.")
final class Export implements Callable<Integer> {

    @Mixin
    private RecipeOptions options;

    @Override
    public Integer call() throws IOException {
        Recipe recipe = options.recipe();
        String output = EXPORT_OUTPUT.of(recipe);
        Configuration conf = HadoopConf.submitted();
        Places.requireApart(recipe, conf);
        Places.requireReachable(conf, Place.of(recipe, TRAIN_OUTPUT, EXPORT_OUTPUT));
        TrainedDraft draft = TrainedDraft.open(TRAIN_OUTPUT.of(recipe), conf);
        Folder folder = Folder.at(output, conf);
        ExportFolder.claim(Place.single(recipe, EXPORT_OUTPUT), folder, draft);
        write(draft, folder);
        System.out.println("export: step " + draft.step() + " of " + TRAIN_OUTPUT.of(recipe) + " is in " + output);
        return 0;
    }

    /**
     * Deletes the configuration first and writes it last, because no engine loads a folder without it. If writing it fails, it
     * may or may not exist, so its weights are kept.
     */
    static void write(TrainedDraft draft, Folder folder) throws IOException {
        folder.delete(DraftExport.CONFIG);
        try (Scope scope = Scope.open(); DraftParameters parameters = draft.parameters(Device.CPU)) {
            folder.write(DraftExport.WEIGHTS, out -> DraftExport.writeWeights(parameters, draft.vocabulary(), out));
        }
        folder.write(DraftExport.CONFIG, DraftExport.config(draft.config()));
    }
}
