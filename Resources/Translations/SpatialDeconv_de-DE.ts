<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE">
    <context>
        <name>SpatialDeconv</name>
        <message>
            <source>Spatially Variant Deconvolution</source>
            <translation>Ortsabhängige Entfaltung</translation>
        </message>
        <message>
            <source>
Removes (or applies) blur that differs from place to place: the kernel of every voxel is chosen by its
intensity, by the region it lies in, or by its position. Choose an input volume, fill the kernel table or load a
kernel set, look at the preview, then press Apply. "Sample Data" has two volumes with their kernels to begin with.
</source>
            <translation>
Entfernt (oder erzeugt) Unschärfe, die von Ort zu Ort verschieden ist: den Kern jedes Voxels bestimmt seine
Intensität, der Bereich, in dem es liegt, oder sein Ort. Ein Eingabevolumen wählen, die Kerntabelle füllen oder einen
Kernsatz laden, die Vorschau ansehen, dann Anwenden. „Sample Data“ hat zwei Volumen samt Kernen für den Anfang.
</translation>
        </message>
        <message>
            <source>How to use it (a page that needs no network)</source>
            <translation>So wird es benutzt (eine Seite, die kein Netz braucht)</translation>
        </message>
        <message>
            <source>
The filters are those of ITK and SimpleITK. The sample volume is the ICBM 152 T1 template of the Montreal
Neurological Institute, McGill University.
</source>
            <translation>
Die Filter sind die von ITK und SimpleITK. Das Beispielvolumen ist die T1-Vorlage ICBM 152 des Montreal
Neurological Institute, McGill University.
</translation>
        </message>
        <message>
            <source>The run is being cancelled; reload again when it has stopped.</source>
            <translation>Der Lauf wird abgebrochen; danach erneut laden.</translation>
        </message>
        <message>
            <source>Inputs</source>
            <translation>Eingaben</translation>
        </message>
        <message>
            <source>Volume to deconvolve or to blur; vector volumes are done channel by channel.</source>
            <translation>Volumen, das entfaltet oder verwischt wird; Vektorvolumen Kanal für Kanal.</translation>
        </message>
        <message>
            <source>Input volume:</source>
            <translation>Eingabevolumen:</translation>
        </message>
        <message>
            <source>Select a volume</source>
            <translation>Volumen wählen</translation>
        </message>
        <message>
            <source>Kernels that describe the blur, and what chooses among them. Files and folders can be dropped here.</source>
            <translation>Kerne, die die Unschärfe beschreiben, und was unter ihnen wählt. Dateien und Ordner lassen sich hierher ziehen.</translation>
        </message>
        <message>
            <source>Kernels:</source>
            <translation>Kerne:</translation>
        </message>
        <message>
            <source>Fill the table with kernels from files: one or several each, and kernel sets.</source>
            <translation>Die Tabelle mit Kernen aus Dateien füllen: einem oder mehreren je Datei, und Kernsätzen.</translation>
        </message>
        <message>
            <source>Add files...</source>
            <translation>Dateien...</translation>
        </message>
        <message>
            <source>Open the table of kernels below: add files, change rows, choose what they are keyed to.</source>
            <translation>Die Kerntabelle darunter öffnen: Dateien hinzufügen, Zeilen ändern, wählen, was die Kerne bestimmt.</translation>
        </message>
        <message>
            <source>Edit...</source>
            <translation>Bearbeiten...</translation>
        </message>
        <message>
            <source>What to do with the input volume; the text below says what that takes.</source>
            <translation>Was mit dem Eingabevolumen geschieht; der Text darunter sagt, was das erfordert.</translation>
        </message>
        <message>
            <source>What to do:</source>
            <translation>Was tun:</translation>
        </message>
        <message>
            <source>Let the run choose, filter with each kernel and blend the results, or invert the blur that varies as a whole.</source>
            <translation>Den Lauf wählen lassen, mit jedem Kern filtern und die Ergebnisse mischen, oder die veränderliche Unschärfe als Ganzes umkehren.</translation>
        </message>
        <message>
            <source>Strategy:</source>
            <translation>Strategie:</translation>
        </message>
        <message>
            <source>Filter that runs once for every kernel; the results are blended.</source>
            <translation>Filter, das für jeden Kern einmal läuft; die Ergebnisse werden gemischt.</translation>
        </message>
        <message>
            <source>Filter:</source>
            <translation>Filter:</translation>
        </message>
        <message>
            <source>Who computes the filter: SimpleITK itself, or a faster implementation whose result differs by rounding only.</source>
            <translation>Wer das Filter rechnet: SimpleITK selbst oder eine schnellere Umsetzung, deren Ergebnis sich nur in der Rundung unterscheidet.</translation>
        </message>
        <message>
            <source>Engine:</source>
            <translation>Rechenwerk:</translation>
        </message>
        <message>
            <source>How the blur that varies from place to place is inverted.</source>
            <translation>Wie die von Ort zu Ort veränderliche Unschärfe umgekehrt wird.</translation>
        </message>
        <message>
            <source>Solver:</source>
            <translation>Löser:</translation>
        </message>
        <message>
            <source>Volume that receives the result; by default every run creates a new one.</source>
            <translation>Volumen, das das Ergebnis aufnimmt; sonst legt jeder Lauf ein neues an.</translation>
        </message>
        <message>
            <source>Output volume:</source>
            <translation>Ausgabevolumen:</translation>
        </message>
        <message>
            <source>Deconvolved</source>
            <translation>Entfaltet</translation>
        </message>
        <message>
            <source>Create new volume</source>
            <translation>Neues Volumen anlegen</translation>
        </message>
        <message>
            <source>Run the filter.</source>
            <translation>Das Filter anwenden.</translation>
        </message>
        <message>
            <source>Apply</source>
            <translation>Anwenden</translation>
        </message>
        <message>
            <source>Change the setting that the line above names.</source>
            <translation>Die Einstellung ändern, die die Zeile darüber nennt.</translation>
        </message>
        <message>
            <source>Kernels</source>
            <translation>Kerne</translation>
        </message>
        <message>
            <source>What chooses the kernel of a voxel.</source>
            <translation>Was den Kern eines Voxels bestimmt.</translation>
        </message>
        <message>
            <source>Keyed to:</source>
            <translation>Bestimmt durch:</translation>
        </message>
        <message>
            <source>Volume whose intensities choose the kernels instead of those of the input volume.</source>
            <translation>Volumen, dessen Intensitäten anstelle derer des Eingabevolumens die Kerne bestimmen.</translation>
        </message>
        <message>
            <source>Guide:</source>
            <translation>Leitbild:</translation>
        </message>
        <message>
            <source>Input volume itself</source>
            <translation>Das Eingabevolumen selbst</translation>
        </message>
        <message>
            <source>Segmentation or label map that says which region every voxel belongs to; the table names segments or label values.</source>
            <translation>Segmentierung oder Labelkarte, die sagt, zu welchem Bereich jedes Voxel gehört; die Tabelle nennt Segmente oder Labelwerte.</translation>
        </message>
        <message>
            <source>Regions:</source>
            <translation>Bereiche:</translation>
        </message>
        <message>
            <source>None</source>
            <translation>Keine</translation>
        </message>
        <message>
            <source>Kernels and what they belong to; double-click a level or parameters to change them.</source>
            <translation>Kerne und wozu sie gehören; ein Doppelklick auf Stufe oder Parameter ändert sie.</translation>
        </message>
        <message>
            <source>Add a kernel for the next level, region or position.</source>
            <translation>Einen Kern für die nächste Stufe, den nächsten Bereich oder Ort hinzufügen.</translation>
        </message>
        <message>
            <source>Add</source>
            <translation>Neu</translation>
        </message>
        <message>
            <source>Remove the selected kernels (Delete).</source>
            <translation>Die gewählten Kerne entfernen (Entf).</translation>
        </message>
        <message>
            <source>Remove</source>
            <translation>Löschen</translation>
        </message>
        <message>
            <source>Sort the table by level, segment or position.</source>
            <translation>Die Tabelle nach Stufe, Segment oder Ort ordnen.</translation>
        </message>
        <message>
            <source>Sort</source>
            <translation>Ordnen</translation>
        </message>
        <message>
            <source>Append rows copied from a spreadsheet: level, kind (Gaussian if it is missing), size in mm, angle; or files by their paths, one a line (Ctrl+V).</source>
            <translation>Zeilen anhängen, die aus einer Tabellenkalkulation kopiert sind: Stufe, Art (sonst Gauß), Größe in mm, Winkel; oder Dateien mit ihren Pfaden, einer je Zeile (Strg+V).</translation>
        </message>
        <message>
            <source>Paste</source>
            <translation>Einfügen</translation>
        </message>
        <message>
            <source>Load a kernel set file (*.json) into the table.</source>
            <translation>Einen Kernsatz (*.json) in die Tabelle laden.</translation>
        </message>
        <message>
            <source>Load...</source>
            <translation>Laden...</translation>
        </message>
        <message>
            <source>Save the table as a kernel set file (*.json).</source>
            <translation>Die Tabelle als Kernsatz (*.json) speichern.</translation>
        </message>
        <message>
            <source>Save...</source>
            <translation>Sichern...</translation>
        </message>
        <message>
            <source>Add a volume of the scene as a kernel.</source>
            <translation>Ein Volumen der Szene als Kern hinzufügen.</translation>
        </message>
        <message>
            <source>From volume</source>
            <translation>Aus Volumen</translation>
        </message>
        <message>
            <source>Remove all kernels from the table.</source>
            <translation>Alle Kerne aus der Tabelle entfernen.</translation>
        </message>
        <message>
            <source>Clear</source>
            <translation>Leeren</translation>
        </message>
        <message>
            <source>Add the kernels in files: images, .npy, .npz, .mat, tables of text (.csv), FITS, one or many in each; the number that differs in the files' names is the level. Files and folders can be dropped on the table, too.</source>
            <translation>Die Kerne in Dateien hinzufügen: Bilder, .npy, .npz, .mat, Texttabellen (.csv), FITS, einer oder viele je Datei; die Zahl, in der sich die Dateinamen unterscheiden, ist die Stufe. Dateien und Ordner lassen sich auch auf die Tabelle ziehen.</translation>
        </message>
        <message>
            <source>Take back the last change of the table (Ctrl+Z).</source>
            <translation>Die letzte Änderung der Tabelle zurücknehmen (Strg+Z).</translation>
        </message>
        <message>
            <source>Undo</source>
            <translation>Zurück</translation>
        </message>
        <message>
            <source>Make the change again that was taken back (Ctrl+Shift+Z).</source>
            <translation>Die zurückgenommene Änderung wieder ausführen (Strg+Umschalt+Z).</translation>
        </message>
        <message>
            <source>Redo</source>
            <translation>Vor</translation>
        </message>
        <message>
            <source>Fill the table with levels around which the intensities of the volume gather.</source>
            <translation>Die Tabelle mit Stufen füllen, um die sich die Intensitäten des Volumens häufen.</translation>
        </message>
        <message>
            <source>Levels from histogram</source>
            <translation>Stufen aus dem Histogramm</translation>
        </message>
        <message>
            <source>Number of levels that are looked for in the histogram.</source>
            <translation>Anzahl der Stufen, die im Histogramm gesucht werden.</translation>
        </message>
        <message>
            <source> levels</source>
            <translation> Stufen</translation>
        </message>
        <message>
            <source>The kernel of the selected row, summed along the axis on which it is shortest, with a scale in mm. A cross shows the centre of a stored kernel.</source>
            <translation>Der Kern der gewählten Zeile, summiert entlang der Achse, auf der er am kürzesten ist, mit einem Maßstab in mm. Ein Kreuz zeigt die Mitte eines gespeicherten Kerns.</translation>
        </message>
        <message>
            <source>Volume that holds the weight of this kernel at every voxel. One of several images (channels, a sequence) makes a row for each.</source>
            <translation>Volumen mit dem Gewicht dieses Kerns an jedem Voxel. Eines aus mehreren Bildern (Kanäle, eine Sequenz) ergibt eine Zeile für jedes.</translation>
        </message>
        <message>
            <source>Weights:</source>
            <translation>Gewichte:</translation>
        </message>
        <message>
            <source>None: a file</source>
            <translation>Keines: eine Datei</translation>
        </message>
        <message>
            <source>What kind of kernel the selected rows are.</source>
            <translation>Welcher Art die Kerne der gewählten Zeilen sind.</translation>
        </message>
        <message>
            <source>Kind:</source>
            <translation>Art:</translation>
        </message>
        <message>
            <source>Size of the kernel: one number, or one for each axis of the volume (slices, rows, columns).</source>
            <translation>Größe des Kerns: eine Zahl oder eine je Achse des Volumens (Schichten, Zeilen, Spalten).</translation>
        </message>
        <message>
            <source>Sigma (mm):</source>
            <translation>Sigma (mm):</translation>
        </message>
        <message>
            <source>Read distances (mm) and densities from a text file of two columns.</source>
            <translation>Abstände (mm) und Dichten aus einer Textdatei mit zwei Spalten lesen.</translation>
        </message>
        <message>
            <source>From a file...</source>
            <translation>Aus einer Datei...</translation>
        </message>
        <message>
            <source>Volume whose voxels are the kernel.</source>
            <translation>Volumen, dessen Voxel der Kern sind.</translation>
        </message>
        <message>
            <source>Image file or .npy array whose voxels are the kernel.</source>
            <translation>Bilddatei oder .npy-Feld, deren Voxel der Kern sind.</translation>
        </message>
        <message>
            <source>Direction of the motion: an angle in degrees in the slice, from the rows towards the columns, or a vector z, y, x.</source>
            <translation>Richtung der Bewegung: ein Winkel in Grad in der Schicht, von den Zeilen zu den Spalten, oder ein Vektor z, y, x.</translation>
        </message>
        <message>
            <source>Angle (°):</source>
            <translation>Winkel (°):</translation>
        </message>
        <message>
            <source>Whether the values are the kernel itself or its logarithm (Monte Carlo kernels often are).</source>
            <translation>Ob die Werte der Kern selbst sind oder sein Logarithmus (wie oft bei Monte-Carlo-Kernen).</translation>
        </message>
        <message>
            <source>Which place of the stored kernel stands for no displacement.</source>
            <translation>Welche Stelle des gespeicherten Kerns keine Verschiebung bedeutet.</translation>
        </message>
        <message>
            <source>Centre:</source>
            <translation>Mitte:</translation>
        </message>
        <message>
            <source>Voxel size of the kernel in its file: one number in mm, or one for each axis; empty: as the file says, else that of the image.</source>
            <translation>Voxelgröße des Kerns in seiner Datei: eine Zahl in mm oder eine je Achse; leer: wie die Datei sagt, sonst die des Bildes.</translation>
        </message>
        <message>
            <source>Voxel size (mm):</source>
            <translation>Voxelgröße (mm):</translation>
        </message>
        <message>
            <source>Whether the levels of the table mean values as the image shows them, or the object's own, before the blur.</source>
            <translation>Ob die Stufen der Tabelle Werte meinen, wie das Bild sie zeigt, oder die des Objekts selbst, vor der Unschärfe.</translation>
        </message>
        <message>
            <source>Whose intensity?</source>
            <translation>Wessen Intensität?</translation>
        </message>
        <message>
            <source>The kernel between two levels or positions of the table.</source>
            <translation>Der Kern zwischen zwei Stufen oder Orten der Tabelle.</translation>
        </message>
        <message>
            <source>In between:</source>
            <translation>Dazwischen:</translation>
        </message>
        <message>
            <source>The kernel of voxels outside the lowest and highest level, or in no region of the table.</source>
            <translation>Der Kern von Voxeln außerhalb der niedrigsten und höchsten Stufe oder in keinem Bereich der Tabelle.</translation>
        </message>
        <message>
            <source>Outside:</source>
            <translation>Außerhalb:</translation>
        </message>
        <message>
            <source>Width of the transition from one region to the next, in mm.</source>
            <translation>Breite des Übergangs von einem Bereich zum nächsten, in mm.</translation>
        </message>
        <message>
            <source>Feather:</source>
            <translation>Weicher Rand:</translation>
        </message>
        <message>
            <source> mm</source>
            <translation> mm</translation>
        </message>
        <message>
            <source>Filter every slice as a 2-D image; needed for 2-D kernels on a 3-D volume.</source>
            <translation>Jede Schicht als 2-D-Bild filtern; nötig für 2-D-Kerne auf einem 3-D-Volumen.</translation>
        </message>
        <message>
            <source>Slice by slice:</source>
            <translation>Schichtweise:</translation>
        </message>
        <message>
            <source>2-D kernels on every slice</source>
            <translation>2-D-Kerne auf jeder Schicht</translation>
        </message>
        <message>
            <source>Region</source>
            <translation>Bereich</translation>
        </message>
        <message>
            <source>Where to work; voxels outside the region keep their value.</source>
            <translation>Wo gearbeitet wird; Voxel außerhalb des Bereichs behalten ihren Wert.</translation>
        </message>
        <message>
            <source>Region:</source>
            <translation>Bereich:</translation>
        </message>
        <message>
            <source>Segmentation or label map of the region: its chosen segments, or where the label map is not 0.</source>
            <translation>Segmentierung oder Labelkarte des Bereichs: seine gewählten Segmente, oder wo die Labelkarte nicht 0 ist.</translation>
        </message>
        <message>
            <source>Segmentation:</source>
            <translation>Segmentierung:</translation>
        </message>
        <message>
            <source>Segments that make up the region; all of them if none is checked.</source>
            <translation>Segmente, die den Bereich bilden; alle, wenn keines angekreuzt ist.</translation>
        </message>
        <message>
            <source>Segments:</source>
            <translation>Segmente:</translation>
        </message>
        <message>
            <source>Lowest and highest intensity of the region, in units of the input volume.</source>
            <translation>Niedrigste und höchste Intensität des Bereichs, in Einheiten des Eingabevolumens.</translation>
        </message>
        <message>
            <source>Intensities:</source>
            <translation>Intensitäten:</translation>
        </message>
        <message>
            <source>Box (ROI) of the region; create one to place it in the middle of the input volume.</source>
            <translation>Quader (ROI) des Bereichs; ein neuer liegt in der Mitte des Eingabevolumens.</translation>
        </message>
        <message>
            <source>Box:</source>
            <translation>Quader:</translation>
        </message>
        <message>
            <source>Measure kernels</source>
            <translation>Kerne messen</translation>
        </message>
        <message>
            <source>Method</source>
            <translation>Verfahren</translation>
        </message>
        <message>
            <source>Number of steps: more steps sharpen more and amplify noise more.</source>
            <translation>Anzahl der Schritte: mehr Schritte schärfen mehr und verstärken das Rauschen mehr.</translation>
        </message>
        <message>
            <source>Iterations:</source>
            <translation>Schritte:</translation>
        </message>
        <message>
            <source>Constant added to the kernel's power spectrum: larger values give a smoother image (no unit).</source>
            <translation>Konstante, die zum Leistungsspektrum des Kerns addiert wird: größere Werte ergeben ein glatteres Bild (ohne Einheit).</translation>
        </message>
        <message>
            <source>Regularization:</source>
            <translation>Regularisierung:</translation>
        </message>
        <message>
            <source>Choose the value of least expected error.</source>
            <translation>Den Wert mit dem kleinsten erwarteten Fehler nehmen.</translation>
        </message>
        <message>
            <source>auto</source>
            <translation>auto</translation>
        </message>
        <message>
            <source>Standard deviation of the noise, in units of the image's intensity.</source>
            <translation>Standardabweichung des Rauschens, in Einheiten der Bildintensität.</translation>
        </message>
        <message>
            <source>Noise sigma:</source>
            <translation>Rauschen (Sigma):</translation>
        </message>
        <message>
            <source>Estimate the noise from the input volume.</source>
            <translation>Das Rauschen aus dem Eingabevolumen schätzen.</translation>
        </message>
        <message>
            <source>Whether a voxel is blurred by the kernel of the place that receives (detector) or of the place that sends (source).</source>
            <translation>Ob ein Voxel mit dem Kern des Ortes verwischt wird, der empfängt (Empfänger), oder des Ortes, der sendet (Quelle).</translation>
        </message>
        <message>
            <source>Model:</source>
            <translation>Modell:</translation>
        </message>
        <message>
            <source>Keep what lies outside the region from leaking into the result (normalised convolution).</source>
            <translation>Was außerhalb des Bereichs liegt, nicht in das Ergebnis laufen lassen (normierte Faltung).</translation>
        </message>
        <message>
            <source>keep from leaking into the region</source>
            <translation>nicht in den Bereich laufen lassen</translation>
        </message>
        <message>
            <source>What the image is taken to be beyond its border.</source>
            <translation>Was jenseits des Bildrands angenommen wird.</translation>
        </message>
        <message>
            <source>Boundary:</source>
            <translation>Rand:</translation>
        </message>
        <message>
            <source>What the image is taken to be beyond its border; it can be estimated too.</source>
            <translation>Was jenseits des Bildrands angenommen wird; es kann auch geschätzt werden.</translation>
        </message>
        <message>
            <source>Advanced</source>
            <translation>Erweitert</translation>
        </message>
        <message>
            <source>Subtracted before a method that needs non-negative values and added afterwards, in units of the image's intensity: the least value of its result. TV and self-keyed keep to it as well.</source>
            <translation>Wird vor einem Verfahren, das keine negativen Werte verträgt, abgezogen und danach addiert, in Einheiten der Bildintensität: der kleinste Wert des Ergebnisses. Auch TV und die selbst bestimmte TV halten sich daran.</translation>
        </message>
        <message>
            <source>Offset:</source>
            <translation>Versatz:</translation>
        </message>
        <message>
            <source>0, or where the image is negative its lowest value; TV and self-keyed have no bound then.</source>
            <translation>0, oder bei negativen Bildern deren kleinster Wert; TV und die selbst bestimmte TV haben dann keine Grenze.</translation>
        </message>
        <message>
            <source>Scale every kernel to sum one before convolving; otherwise sums and Laplace keep their meaning.</source>
            <translation>Jeden Kern vor dem Falten auf Summe eins bringen; sonst behalten Summen und Laplace ihre Bedeutung.</translation>
        </message>
        <message>
            <source>scale to sum one</source>
            <translation>auf Summe eins bringen</translation>
        </message>
        <message>
            <source>Convolve families of Gaussians on coarser and coarser grids, with an error below a thousandth of the largest value.</source>
            <translation>Familien von Gauß-Kernen auf immer gröberen Gittern falten, mit einem Fehler unter einem Tausendstel des größten Werts.</translation>
        </message>
        <message>
            <source>Gaussians:</source>
            <translation>Gauß-Kerne:</translation>
        </message>
        <message>
            <source>fast approximation</source>
            <translation>schnelle Näherung</translation>
        </message>
        <message>
            <source>Replace NaN and infinite voxels of the input by the nearest finite value; otherwise they are an error.</source>
            <translation>NaN und unendliche Voxel der Eingabe durch den nächsten endlichen Wert ersetzen; sonst sind sie ein Fehler.</translation>
        </message>
        <message>
            <source>NaN and infinity:</source>
            <translation>NaN und unendlich:</translation>
        </message>
        <message>
            <source>fill from the neighbours</source>
            <translation>aus den Nachbarn füllen</translation>
        </message>
        <message>
            <source>Resample mask, labels and guide of another geometry onto the input volume; otherwise they are an error.</source>
            <translation>Maske, Labels und Leitbild anderer Geometrie auf das Eingabevolumen umrechnen; sonst sind sie ein Fehler.</translation>
        </message>
        <message>
            <source>Other geometry:</source>
            <translation>Andere Geometrie:</translation>
        </message>
        <message>
            <source>resample to the input volume</source>
            <translation>auf das Eingabevolumen umrechnen</translation>
        </message>
        <message>
            <source>Preview</source>
            <translation>Vorschau</translation>
        </message>
        <message>
            <source>Runs</source>
            <translation>Läufe</translation>
        </message>
        <message>
            <source>See why</source>
            <translation>Warum?</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvCompare</name>
        <message>
            <source>Compare:</source>
            <translation>Vergleichen:</translation>
        </message>
        <message>
            <source>Show the input and the output in turn at the same place.</source>
            <translation>Eingabe und Ausgabe abwechselnd an derselben Stelle zeigen.</translation>
        </message>
        <message>
            <source>Flicker</source>
            <translation>Blinken</translation>
        </message>
        <message>
            <source>Show the input and the output beside each other, in views that move together.</source>
            <translation>Eingabe und Ausgabe nebeneinander zeigen, in Ansichten, die sich gemeinsam bewegen.</translation>
        </message>
        <message>
            <source>Side by side</source>
            <translation>Nebeneinander</translation>
        </message>
        <message>
            <source>Show output minus input: red where the output is larger, blue where it is smaller.</source>
            <translation>Ausgabe minus Eingabe zeigen: rot, wo die Ausgabe größer ist, blau, wo sie kleiner ist.</translation>
        </message>
        <message>
            <source>Difference</source>
            <translation>Differenz</translation>
        </message>
        <message>
            <source>Lay over the input what the result leaves unexplained of it, in units of the noise: outlines of objects show where the kernels do not fit.</source>
            <translation>Über die Eingabe legen, was das Ergebnis von ihr nicht erklärt, in Einheiten des Rauschens: Umrisse von Gegenständen zeigen, wo die Kerne nicht passen.</translation>
        </message>
        <message>
            <source>Residual</source>
            <translation>Rest</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvEstimate</name>
        <message>
            <source>What the kernels are measured from: a sharp and a blurred volume of one object, or a single volume that shows points, an edge or a slit.</source>
            <translation>Woraus die Kerne gemessen werden: aus einem scharfen und einem unscharfen Volumen desselben Objekts, oder aus einem einzigen Volumen, das Punkte, eine Kante oder einen Spalt zeigt.</translation>
        </message>
        <message>
            <source>From:</source>
            <translation>Aus:</translation>
        </message>
        <message>
            <source>Volume that shows the beads, the edge or the slit; inside the region, where one is chosen.</source>
            <translation>Volumen, das die Kügelchen, die Kante oder den Spalt zeigt; innerhalb des Bereichs, falls einer gewählt ist.</translation>
        </message>
        <message>
            <source>Volume:</source>
            <translation>Volumen:</translation>
        </message>
        <message>
            <source>Input volume itself</source>
            <translation>Das Eingabevolumen selbst</translation>
        </message>
        <message>
            <source>Volume before the blur: a phantom, a simulation, or a second scan of better resolution.</source>
            <translation>Volumen vor der Unschärfe: ein Phantom, eine Simulation oder eine zweite Aufnahme besserer Auflösung.</translation>
        </message>
        <message>
            <source>Sharp volume:</source>
            <translation>Scharf:</translation>
        </message>
        <message>
            <source>None</source>
            <translation>Keine</translation>
        </message>
        <message>
            <source>The same object after the blur, on the same voxels.</source>
            <translation>Dasselbe Objekt nach der Unschärfe, auf denselben Voxeln.</translation>
        </message>
        <message>
            <source>Blurred volume:</source>
            <translation>Unscharf:</translation>
        </message>
        <message>
            <source>One kernel for the whole volume, or one for every level, region or position of the table.</source>
            <translation>Ein Kern für das ganze Volumen, oder einer je Stufe, Bereich oder Ort der Tabelle.</translation>
        </message>
        <message>
            <source>Measure:</source>
            <translation>Messen:</translation>
        </message>
        <message>
            <source>Parts of the volume along z, y and x, each with a kernel from its own points; 1, 1, 1 is one kernel for all.</source>
            <translation>Teile des Volumens entlang z, y und x, jeder mit einem Kern aus seinen eigenen Punkten; 1, 1, 1 ist ein Kern für alle.</translation>
        </message>
        <message>
            <source>Zones (z, y, x):</source>
            <translation>Zonen (z, y, x):</translation>
        </message>
        <message>
            <source>Kernels that change smoothly from place to place, as a polynomial of this degree: all points count for all kernels.</source>
            <translation>Kerne, die sich glatt von Ort zu Ort ändern, als Polynom dieses Grades: alle Punkte zählen für alle Kerne.</translation>
        </message>
        <message>
            <source>Degree:</source>
            <translation>Grad:</translation>
        </message>
        <message>
            <source>each zone by itself</source>
            <translation>jede Zone für sich</translation>
        </message>
        <message>
            <source>Diameter of the beads, which is taken out of the kernels; 0 where they are small against the blur.</source>
            <translation>Durchmesser der Kügelchen, der aus den Kernen herausgerechnet wird; 0, wenn sie klein gegen die Unschärfe sind.</translation>
        </message>
        <message>
            <source>Bead diameter:</source>
            <translation>Kügelchengröße:</translation>
        </message>
        <message>
            <source> µm</source>
            <translation> µm</translation>
        </message>
        <message>
            <source>negligible</source>
            <translation>vernachlässigbar</translation>
        </message>
        <message>
            <source>Width of the slit, which is taken out of the kernel; 0 where it is small against the blur.</source>
            <translation>Breite des Spalts, die aus dem Kern herausgerechnet wird; 0, wenn sie klein gegen die Unschärfe ist.</translation>
        </message>
        <message>
            <source>Slit width:</source>
            <translation>Spaltbreite:</translation>
        </message>
        <message>
            <source> mm</source>
            <translation> mm</translation>
        </message>
        <message>
            <source>Voxels along every axis that has more than one slice, an odd number; automatic: so many that the blur fits into.</source>
            <translation>Voxel entlang jeder Achse mit mehr als einer Schicht, eine ungerade Zahl; automatisch: so viele, dass die Unschärfe hineinpasst.</translation>
        </message>
        <message>
            <source>Kernel size:</source>
            <translation>Kerngröße:</translation>
        </message>
        <message>
            <source> voxels</source>
            <translation> Voxel</translation>
        </message>
        <message>
            <source>automatic</source>
            <translation>automatisch</translation>
        </message>
        <message>
            <source>Voxels along every axis that has more than one slice; odd or even, so many that the blur fits into.</source>
            <translation>Voxel entlang jeder Achse mit mehr als einer Schicht; gerade oder ungerade, so viele, dass die Unschärfe hineinpasst.</translation>
        </message>
        <message>
            <source>Least squares with constraints, or division of the spectra.</source>
            <translation>Kleinste Quadrate mit Bedingungen, oder Division der Spektren.</translation>
        </message>
        <message>
            <source>Method:</source>
            <translation>Verfahren:</translation>
        </message>
        <message>
            <source>What is known of the kernel beforehand.</source>
            <translation>Was über den Kern vorab bekannt ist.</translation>
        </message>
        <message>
            <source>The kernel is:</source>
            <translation>Der Kern ist:</translation>
        </message>
        <message>
            <source>Find a shift of less than a few voxels between the two volumes, and take it out of the kernel.</source>
            <translation>Eine Verschiebung von weniger als ein paar Voxeln zwischen den beiden Volumen finden und aus dem Kern nehmen.</translation>
        </message>
        <message>
            <source>Allow for:</source>
            <translation>Zulassen:</translation>
        </message>
        <message>
            <source>shift</source>
            <translation>Verschiebung</translation>
        </message>
        <message>
            <source>Find a factor between the intensities of the two volumes.</source>
            <translation>Einen Faktor zwischen den Intensitäten der beiden Volumen finden.</translation>
        </message>
        <message>
            <source>gain</source>
            <translation>Faktor</translation>
        </message>
        <message>
            <source>Find a constant that was added to the blurred volume.</source>
            <translation>Eine Konstante finden, die zum unscharfen Volumen addiert wurde.</translation>
        </message>
        <message>
            <source>offset</source>
            <translation>Versatz</translation>
        </message>
        <message>
            <source>Measure the kernels and put them into the table.</source>
            <translation>Die Kerne messen und in die Tabelle setzen.</translation>
        </message>
        <message>
            <source>Measure</source>
            <translation>Messen</translation>
        </message>
        <message>
            <source>Mark the points in the slice views: green ones were used, of the others the reason stands beside them.</source>
            <translation>Die Punkte in den Schichtansichten markieren: grüne wurden verwendet, bei den anderen steht der Grund daneben.</translation>
        </message>
        <message>
            <source>Points of the measurement</source>
            <translation>Punkte der Messung</translation>
        </message>
        <message>
            <source>Plot what the measured kernels pass of every spatial frequency (modulation transfer function).</source>
            <translation>Auftragen, was die gemessenen Kerne von jeder Ortsfrequenz durchlassen (Modulationsübertragungsfunktion).</translation>
        </message>
        <message>
            <source>MTF of the measurement</source>
            <translation>MTF der Messung</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvPreview</name>
        <message>
            <source>Show the result in a block around the position of the slice views, before running it on the whole volume.</source>
            <translation>Das Ergebnis in einem Block um die Stelle der Schichtansichten zeigen, bevor das ganze Volumen bearbeitet wird.</translation>
        </message>
        <message>
            <source>Preview:</source>
            <translation>Vorschau:</translation>
        </message>
        <message>
            <source>Where the slices cross</source>
            <translation>Wo die Schichten sich kreuzen</translation>
        </message>
        <message>
            <source>How much the preview covers the input volume: 0 shows the input, 1 the result.</source>
            <translation>Wie sehr die Vorschau das Eingabevolumen deckt: 0 zeigt die Eingabe, 1 das Ergebnis.</translation>
        </message>
        <message>
            <source>Opacity:</source>
            <translation>Deckkraft:</translation>
        </message>
        <message>
            <source>Length of the block's edges, a smaller block is ready sooner; in a thin volume it is wider by as much as keeps the number of voxels.</source>
            <translation>Kantenlänge des Blocks, ein kleinerer ist eher fertig; in einem dünnen Volumen ist er um so viel breiter, dass die Zahl der Voxel bleibt.</translation>
        </message>
        <message>
            <source>Size:</source>
            <translation>Größe:</translation>
        </message>
        <message>
            <source> voxels</source>
            <translation> Voxel</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvRuns</name>
        <message>
            <source>The runs of this session. Select one to compare its result with its input, two to compare their results.</source>
            <translation>Die Läufe dieser Sitzung. Einen wählen, um sein Ergebnis mit der Eingabe zu vergleichen, zwei, um ihre Ergebnisse zu vergleichen.</translation>
        </message>
        <message>
            <source>Choose again what the selected run was made with: input, region, kernels, method and its settings.</source>
            <translation>Wieder wählen, womit der gewählte Lauf gemacht wurde: Eingabe, Bereich, Kerne, Verfahren und dessen Einstellungen.</translation>
        </message>
        <message>
            <source>Bring back its settings</source>
            <translation>Seine Einstellungen zurückholen</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvSheet</name>
        <message>
            <source>Restore the block around the position of the slice views with every method.</source>
            <translation>Den Block um die Stelle der Schichtansichten mit jedem Verfahren wiederherstellen.</translation>
        </message>
        <message>
            <source>Compare all methods</source>
            <translation>Alle Verfahren vergleichen</translation>
        </message>
        <message>
            <source>The block by every method: click one to choose its method.</source>
            <translation>Der Block nach jedem Verfahren: ein Klick wählt das Verfahren.</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvWeights</name>
        <message>
            <source>The histogram of the image that chooses the kernels, and the weight of each kernel over it.</source>
            <translation>Das Histogramm des Bildes, das die Kerne bestimmt, und darüber das Gewicht jedes Kerns.</translation>
        </message>
        <message>
            <source>Histogram and weights</source>
            <translation>Histogramm und Gewichte</translation>
        </message>
        <message>
            <source>Show the plot beside the slice views, with a legend; press again to go back to the layout before.</source>
            <translation>Das Diagramm neben den Schichtansichten zeigen, mit Legende; erneut drücken, um zur vorigen Anordnung zurückzukehren.</translation>
        </message>
        <message>
            <source>Large plot</source>
            <translation>Großes Diagramm</translation>
        </message>
    </context>
    <context>
        <name>SpatialDeconvWhy</name>
        <message>
            <source>Plot what each kernel passes of every spatial frequency (modulation transfer function).</source>
            <translation>Zeichnen, was jeder Kern von jeder Ortsfrequenz durchlässt (Modulationsübertragungsfunktion).</translation>
        </message>
        <message>
            <source>MTF</source>
            <translation>MTF</translation>
        </message>
        <message>
            <source>Plot each kernel along its axes (line spread function), in mm.</source>
            <translation>Jeden Kern entlang seiner Achsen zeichnen (Linienverwaschung), in mm.</translation>
        </message>
        <message>
            <source>Profiles</source>
            <translation>Profile</translation>
        </message>
        <message>
            <source>Plot how well each kernel fits: what it leaves unexplained of the last result, in units of the noise.</source>
            <translation>Zeichnen, wie gut jeder Kern passt: was er vom letzten Ergebnis nicht erklärt, in Einheiten des Rauschens.</translation>
        </message>
        <message>
            <source>Residual by kernel</source>
            <translation>Rest je Kern</translation>
        </message>
        <message>
            <source>Show the place that the kernels explain least in all slice views.</source>
            <translation>In allen Schichtansichten die Stelle zeigen, die die Kerne am wenigsten erklären.</translation>
        </message>
        <message>
            <source>Go to the worst place</source>
            <translation>Zur schlechtesten Stelle</translation>
        </message>
    </context>
    <context>
        <name>arrays.memory</name>
        <message>
            <source>about {asked} GiB of memory are needed, {free} GiB are allowed: {what}</source>
            <translation>etwa {asked} GiB Speicher sind nötig, {free} GiB erlaubt: {what}</translation>
        </message>
        <message>
            <source>about {asked} GiB of memory are needed, {free} GiB are free: {what}</source>
            <translation>etwa {asked} GiB Speicher sind nötig, {free} GiB frei: {what}</translation>
        </message>
    </context>
    <context>
        <name>arrays.watch</name>
        <message>
            <source>{what} {number} of {count}</source>
            <translation>{what} {number} von {count}</translation>
        </message>
    </context>
    <context>
        <name>estimation.pair</name>
        <message>
            <source>the original is smoother than the blurred image: if the two are swapped, swap them back</source>
            <translation>das Original ist glatter als das unscharfe Bild: Sind die beiden vertauscht, tauschen Sie sie zurück</translation>
        </message>
        <message>
            <source>{count} voxels of the blurred image have exactly its maximum {high:g}: if they are clipped, leave them out with mask={mask!r}</source>
            <translation>{count} Voxel des unscharfen Bildes haben genau seinen Höchstwert {high:g}: Sind sie abgeschnitten, lassen Sie sie mit mask={mask!r} weg</translation>
        </message>
    </context>
    <context>
        <name>estimation.refine</name>
        <message>
            <source>{width}: the image cannot say whether it is the object or the kernels; have kernels made wider only where you know that the object is as sharp as most</source>
            <translation>{width}: Das Bild kann nicht sagen, ob es am Objekt oder an den Kernen liegt; lassen Sie Kerne nur verbreitern, wenn Sie wissen, dass das Objekt so scharf ist wie die meisten</translation>
        </message>
    </context>
    <context>
        <name>estimation.run</name>
        <message>
            <source>{voxels} voxels count for {unknowns} unknowns: the penalty decides the rest, and the uncertainty is too low; give larger images or a smaller shape</source>
            <translation>{voxels} Voxel zählen für {unknowns} Unbekannte: Über den Rest entscheidet der Strafterm, und die Unsicherheit ist zu klein; geben Sie größere Bilder oder eine kleinere Größe</translation>
        </message>
        <message>
            <source>the kernel is uncertain by {share:.0%}: give a longer exposure (less noise), an original with more edges, or a smaller shape</source>
            <translation>der Kern ist um {share:.0%} unsicher: Geben Sie eine längere Belichtung (weniger Rauschen), ein Original mit mehr Kanten oder eine kleinere Größe</translation>
        </message>
        <message>
            <source>the data do not determine the kernel at {at} (without any evidence)</source>
            <translation>die Daten bestimmen den Kern bei {at} nicht (ohne jeden Anhalt)</translation>
        </message>
        <message>
            <source>the data do not determine the kernel at {at} (uncertain by {error:.0%})</source>
            <translation>die Daten bestimmen den Kern bei {at} nicht (unsicher um {error:.0%})</translation>
        </message>
        <message>
            <source>, or estimate {names} along</source>
            <translation>, oder bestimmen Sie {names} mit</translation>
        </message>
        <message>
            <source>the residual is {residual:.3g} times the noise: the kernels do not explain the blurred image; check that the two are a pair, what chooses the kernels, and clipped values{remedy}</source>
            <translation>der Rest ist das {residual:.3g}-Fache des Rauschens: Die Kerne erklären das unscharfe Bild nicht; prüfen Sie, ob die beiden ein Paar sind, was die Kerne wählt, und abgeschnittene Werte{remedy}</translation>
        </message>
        <message>
            <source>the kernel at {here} is that at {there}</source>
            <translation>der Kern bei {here} ist der bei {there}</translation>
        </message>
    </context>
    <context>
        <name>kernels.collect</name>
        <message>
            <source>{place!r} of {name} is no level; write a number, or take the kernels for regions</source>
            <translation>{place!r} von {name} ist keine Stufe; schreiben Sie eine Zahl, oder nehmen Sie die Kerne für Bereiche</translation>
        </message>
    </context>
    <context>
        <name>kernels.faults</name>
        <message>
            <source>values from {low:.4g} to {high:.4g} look like a logarithm: read the kernel with log=True</source>
            <translation>Werte von {low:.4g} bis {high:.4g} sehen nach einem Logarithmus aus: Wählen Sie bei 'Werte sind' den Logarithmus</translation>
        </message>
        <message>
            <source>{count} values are negative (down to {low:.4g}, {share:.1%} of the weight): a blur kernel has none</source>
            <translation>{count} Werte sind negativ (bis {low:.4g}, {share:.1%} des Gewichts): Ein Kern der Unschärfe hat keine</translation>
        </message>
        <message>
            <source>the sum is {total:.6g}, not 1: deconvolution normalises it, convolution keeps it</source>
            <translation>die Summe ist {total:.6g}, nicht 1: Entfaltung normiert sie, Faltung behält sie</translation>
        </message>
        <message>
            <source>its {pages} slices of {size} voxels may be {pages} kernels: if each is one of its own, say what they belong to, such as levels='10:{last}:10' or --levels 10:{last}:10, before anything else</source>
            <translation>seine {pages} Schichten zu {size} Voxeln sind vielleicht {pages} Kerne: Ist jede einer für sich, sagen Sie zuerst, wozu sie gehören, etwa levels='10:{last}:10' oder --levels 10:{last}:10</translation>
        </message>
        <message>
            <source>Mended by sd.prepare_kernel(kernel, {library}) or spatialdeconv kernel prepare FILE {command} --output NEW</source>
            <translation>Das behebt sd.prepare_kernel(kernel, {library}) oder spatialdeconv kernel prepare FILE {command} --output NEW</translation>
        </message>
        <message>
            <source>{share:.0%} of the weight is a constant of {pedestal:.4g} that the kernel stands on, as a camera's offset (a tail far wider than its picture looks the same): the result would be spoiled by it</source>
            <translation>{share:.0%} des Gewichts sind eine Konstante von {pedestal:.4g}, auf der der Kern steht, wie der Nullwert einer Kamera (ein Ausläufer, viel breiter als das Bild, sieht genauso aus): Sie verdirbt das Ergebnis</translation>
        </message>
        <message>
            <source>the border is negative, {pedestal:.4g}, as where too much background was subtracted</source>
            <translation>der Rand ist negativ, {pedestal:.4g}, als wäre zu viel Hintergrund abgezogen</translation>
        </message>
        <message>
            <source>the peak is at {peak}, the centre at {centre}: the result will be shifted</source>
            <translation>der Gipfel liegt bei {peak}, die Mitte bei {centre}: Das Ergebnis wird verschoben sein</translation>
        </message>
        <message>
            <source>its tails are cut off: as they fall towards the edge, about {share:.0%} of the weight is missing beyond it, and a constant under them cannot be told from them. Best is a kernel of more voxels; fading out avoids rings</source>
            <translation>seine Ausläufer sind abgeschnitten: So, wie sie zum Rand hin fallen, fehlen dahinter etwa {share:.0%} des Gewichts, und eine Konstante darunter ist von ihnen nicht zu unterscheiden. Am besten ist ein Kern mit mehr Voxeln; Ausblenden vermeidet Ringe</translation>
        </message>
    </context>
    <context>
        <name>kernels.field</name>
        <message>
            <source>{centre} (kernel {numbers})</source>
            <translation>{centre} (Kern {numbers})</translation>
        </message>
        <message>
            <source>kernel {name!r} is 2-D, the image has {slices} slices; work slice by slice, or give a 3-D kernel</source>
            <translation>der Kern {name!r} ist 2-D, das Bild hat {slices} Schichten; arbeiten Sie schichtweise, oder geben Sie einen 3-D-Kern</translation>
        </message>
        <message>
            <source>(n - 1) / 2, the middle</source>
            <translation>(n - 1) / 2, die Mitte</translation>
        </message>
    </context>
    <context>
        <name>kernels.sources</name>
        <message>
            <source>not used of the folder {folder}: {files}</source>
            <translation>nicht benutzt aus dem Ordner {folder}: {files}</translation>
        </message>
        <message>
            <source>{name} is one kernel of {size} voxels; to use it as several, give their levels</source>
            <translation>{name} ist ein Kern von {size} Voxeln; um mehrere daraus zu machen, geben Sie ihre Stufen</translation>
        </message>
        <message>
            <source>levels are those of the array beside the kernels in {file}</source>
            <translation>die Stufen sind die des Feldes neben den Kernen in {file}</translation>
        </message>
        <message>
            <source>{file}: the {which} of its {axes} axes counts the kernels</source>
            <translation>{file}: Die Kerne zählt eine von {axes} Achsen ({which})</translation>
        </message>
    </context>
    <context>
        <name>kernels.weights</name>
        <message>
            <source>{count} voxels lie outside the levels {low:g} ... {high:g} (the guide goes from {least:g} to {most:g}); add levels, or let outside be 'nearest' or 'unchanged'</source>
            <translation>{count} Voxel liegen außerhalb der Stufen {low:g} ... {high:g} (das Leitbild geht von {least:g} bis {most:g}); ergänzen Sie Stufen, oder wählen Sie unter 'Außerhalb' etwas anderes</translation>
        </message>
        <message>
            <source>{label:g} ({count} voxels)</source>
            <translation>{label:g} ({count} Voxel)</translation>
        </message>
        <message>
            <source>labels without a kernel: {labels}; add kernels for them, or let outside be 'unchanged'</source>
            <translation>Label ohne Kern: {labels}; ergänzen Sie Kerne für sie, oder wählen Sie unter 'Außerhalb' etwas anderes</translation>
        </message>
    </context>
    <context>
        <name>methods.choices</name>
        <message>
            <source>Deconvolve (sharpen)</source>
            <translation>Entfalten (schärfen)</translation>
        </message>
        <message>
            <source>Convolve (blur)</source>
            <translation>Falten (verwischen)</translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Takes what is expected to come closest, by kernels, image and memory, and says what it took and why.</source>
            <translation>Nimmt, was nach Kernen, Bild und Speicher am nächsten kommen dürfte, und sagt, was es nahm und warum.</translation>
        </message>
        <message>
            <source>Blend: filter with each kernel</source>
            <translation>Mischen: mit jedem Kern filtern</translation>
        </message>
        <message>
            <source>Filters with every kernel and blends the results: fast, approximate where kernels change.</source>
            <translation>Filtert mit jedem Kern und mischt die Ergebnisse: schnell, ungenau, wo Kerne wechseln.</translation>
        </message>
        <message>
            <source>Joint: invert the whole model</source>
            <translation>Gemeinsam: das ganze Modell umkehren</translation>
        </message>
        <message>
            <source>Solves for the image that the varying blur explains: exact where kernels change, slower.</source>
            <translation>Sucht das Bild, das die veränderliche Unschärfe erklärt: genau, wo Kerne wechseln, langsamer.</translation>
        </message>
        <message>
            <source>Where memory asks for it</source>
            <translation>Wo der Speicher es verlangt</translation>
        </message>
        <message>
            <source>In tiles where all at once would not fit into memory.</source>
            <translation>In Kacheln, wo alles auf einmal nicht in den Speicher passt.</translation>
        </message>
        <message>
            <source>Never</source>
            <translation>Nie</translation>
        </message>
        <message>
            <source>All at once, or not at all.</source>
            <translation>Alles auf einmal, oder gar nicht.</translation>
        </message>
        <message>
            <source>Best result</source>
            <translation>Bestes Ergebnis</translation>
        </message>
        <message>
            <source>Takes the method that is expected to come closest.</source>
            <translation>Nimmt das Verfahren, das am nächsten kommen dürfte.</translation>
        </message>
        <message>
            <source>Quick result</source>
            <translation>Schnelles Ergebnis</translation>
        </message>
        <message>
            <source>Takes the quickest method that suits the kernels.</source>
            <translation>Nimmt das schnellste Verfahren, das zu den Kernen passt.</translation>
        </message>
        <message>
            <source>Detector: kernel of the receiving voxel</source>
            <translation>Empfänger: Kern des empfangenden Voxels</translation>
        </message>
        <message>
            <source>Source: kernel of the sending voxel</source>
            <translation>Quelle: Kern des sendenden Voxels</translation>
        </message>
        <message>
            <source>Repeat the edge</source>
            <translation>Rand wiederholen</translation>
        </message>
        <message>
            <source>Zero outside</source>
            <translation>Außen null</translation>
        </message>
        <message>
            <source>Periodic</source>
            <translation>Periodisch</translation>
        </message>
        <message>
            <source>Estimate what lies outside</source>
            <translation>Schätzen, was außen liegt</translation>
        </message>
        <message>
            <source>SimpleITK</source>
            <translation>SimpleITK</translation>
        </message>
        <message>
            <source>FFT (same result, faster)</source>
            <translation>FFT (gleiches Ergebnis, schneller)</translation>
        </message>
        <message>
            <source>Nothing to judge it by</source>
            <translation>Nichts, woran es zu messen wäre</translation>
        </message>
        <message>
            <source>There is no noise, no change or no blur that the rest could be compared with.</source>
            <translation>Es gibt kein Rauschen, keine Änderung oder keine Unschärfe, womit der Rest zu vergleichen wäre.</translation>
        </message>
        <message>
            <source>Explained by the kernels</source>
            <translation>Von den Kernen erklärt</translation>
        </message>
        <message>
            <source>What the result, blurred again, leaves of the image is noise.</source>
            <translation>Was das Ergebnis, wieder verwischt, vom Bild übrig lässt, ist Rauschen.</translation>
        </message>
        <message>
            <source>Partly explained by the kernels</source>
            <translation>Teilweise von den Kernen erklärt</translation>
        </message>
        <message>
            <source>The result, blurred again, leaves more of the image than noise.</source>
            <translation>Das Ergebnis, wieder verwischt, lässt vom Bild mehr als Rauschen übrig.</translation>
        </message>
        <message>
            <source>Not explained by the kernels</source>
            <translation>Nicht von den Kernen erklärt</translation>
        </message>
        <message>
            <source>The result is likely no closer to the truth than the image.</source>
            <translation>Das Ergebnis ist der Wahrheit wohl nicht näher als das Bild.</translation>
        </message>
        <message>
            <source>More noise than detail</source>
            <translation>Mehr Rauschen als Details</translation>
        </message>
        <message>
            <source>The filter raises the noise by more than it brings back.</source>
            <translation>Das Filter verstärkt das Rauschen um mehr, als es zurückbringt.</translation>
        </message>
        <message>
            <source>Try the best method</source>
            <translation>Das beste Verfahren versuchen</translation>
        </message>
        <message>
            <source>Run again with the method that is expected to come closest.</source>
            <translation>Noch einmal, mit dem Verfahren, das am nächsten kommen dürfte.</translation>
        </message>
        <message>
            <source>Measure the width</source>
            <translation>Die Breite messen</translation>
        </message>
        <message>
            <source>Hold the width of the kernels to the blur that the image shows.</source>
            <translation>Die Breite der Kerne an die Unschärfe halten, die das Bild zeigt.</translation>
        </message>
        <message>
            <source>Show the residual</source>
            <translation>Den Rest zeigen</translation>
        </message>
        <message>
            <source>Show where the result, blurred again, differs from the image.</source>
            <translation>Zeigen, wo das Ergebnis, wieder verwischt, vom Bild abweicht.</translation>
        </message>
        <message>
            <source>Intensity</source>
            <translation>Intensität</translation>
        </message>
        <message>
            <source>Region (segment or label)</source>
            <translation>Bereich (Segment oder Label)</translation>
        </message>
        <message>
            <source>Position</source>
            <translation>Ort</translation>
        </message>
        <message>
            <source>One kernel everywhere</source>
            <translation>Ein Kern überall</translation>
        </message>
        <message>
            <source>Weight images</source>
            <translation>Gewichtsbilder</translation>
        </message>
        <message>
            <source>Channel of a volume</source>
            <translation>Kanal eines Volumens</translation>
        </message>
        <message>
            <source>Frame of a sequence</source>
            <translation>Einzelbild einer Sequenz</translation>
        </message>
        <message>
            <source>Interpolate</source>
            <translation>Interpolieren</translation>
        </message>
        <message>
            <source>Nearest kernel</source>
            <translation>Nächster Kern</translation>
        </message>
        <message>
            <source>Inverse distance</source>
            <translation>Inverser Abstand</translation>
        </message>
        <message>
            <source>Let the image decide</source>
            <translation>Das Bild entscheidet</translation>
        </message>
        <message>
            <source>Takes what explains the image; where both do: as measured.</source>
            <translation>Nimmt, was das Bild erklärt; wo beides das tut: wie gemessen.</translation>
        </message>
        <message>
            <source>As measured</source>
            <translation>Wie gemessen</translation>
        </message>
        <message>
            <source>The kernel belongs to the value that the image at hand has at a voxel.</source>
            <translation>Der Kern gehört zu dem Wert, den das vorliegende Bild an einem Voxel hat.</translation>
        </message>
        <message>
            <source>True, before the blur</source>
            <translation>Wahre, vor der Unschärfe</translation>
        </message>
        <message>
            <source>The kernel belongs to the object's own value, which the result finds.</source>
            <translation>Der Kern gehört zum Wert des Objekts selbst, den das Ergebnis findet.</translation>
        </message>
        <message>
            <source>Leave unchanged</source>
            <translation>Unverändert lassen</translation>
        </message>
        <message>
            <source>Refuse to run</source>
            <translation>Ablehnen</translation>
        </message>
        <message>
            <source>Least squares</source>
            <translation>Kleinste Quadrate</translation>
        </message>
        <message>
            <source>Fourier (fast, large kernels)</source>
            <translation>Fourier (schnell, große Kerne)</translation>
        </message>
        <message>
            <source>Not negative</source>
            <translation>Nicht negativ</translation>
        </message>
        <message>
            <source>Equal sums</source>
            <translation>Gleiche Summen</translation>
        </message>
        <message>
            <source>Sum 1</source>
            <translation>Summe 1</translation>
        </message>
        <message>
            <source>Not negative, sum 1</source>
            <translation>Nicht negativ, Summe 1</translation>
        </message>
    </context>
    <context>
        <name>methods.registry</name>
        <message>
            <source>Threshold:</source>
            <translation>Schwelle:</translation>
        </message>
        <message>
            <source>Frequencies that the kernel passes by less than this fraction are left out (no unit).</source>
            <translation>Frequenzen, die der Kern um weniger als diesen Anteil durchlässt, bleiben weg (ohne Einheit).</translation>
        </message>
        <message>
            <source>Regularization:</source>
            <translation>Regularisierung:</translation>
        </message>
        <message>
            <source>Constant added to the kernel's power spectrum: larger values give a smoother image (no unit).</source>
            <translation>Konstante, die zum Leistungsspektrum des Kerns addiert wird: größere Werte ergeben ein glatteres Bild (ohne Einheit).</translation>
        </message>
        <message>
            <source>Step:</source>
            <translation>Schrittweite:</translation>
        </message>
        <message>
            <source>Length of one step, below {most} for kernels that sum to one (no unit).</source>
            <translation>Länge eines Schritts, unter {most} bei Kernen mit Summe eins (ohne Einheit).</translation>
        </message>
        <message>
            <source>Length of one step, at most {most} for kernels that sum to one (no unit).</source>
            <translation>Länge eines Schritts, höchstens {most} bei Kernen mit Summe eins (ohne Einheit).</translation>
        </message>
        <message>
            <source>Smoothness:</source>
            <translation>Glätte:</translation>
        </message>
        <message>
            <source>Weight of the squared gradient against the data: larger values give a smoother image.</source>
            <translation>Gewicht des quadrierten Gradienten gegen die Daten: größere Werte ergeben ein glatteres Bild.</translation>
        </message>
        <message>
            <source>Weight of the total variation against the data: larger values give a smoother image.</source>
            <translation>Gewicht der totalen Variation gegen die Daten: größere Werte ergeben ein glatteres Bild.</translation>
        </message>
        <message>
            <source>Inverse</source>
            <translation>Invers</translation>
        </message>
        <message>
            <source>Divides by the kernel's spectrum where that is large enough: fast, but it amplifies noise.</source>
            <translation>Teilt durch das Spektrum des Kerns, wo es groß genug ist: schnell, verstärkt aber Rauschen.</translation>
        </message>
        <message>
            <source>inverse filter</source>
            <translation>inverser Filter</translation>
        </message>
        <message>
            <source>Tikhonov</source>
            <translation>Tikhonov</translation>
        </message>
        <message>
            <source>Inverse filter damped by a constant: fast, a safe choice for noisy images.</source>
            <translation>Inverses Filter, durch eine Konstante gedämpft: schnell, sicher für verrauschte Bilder.</translation>
        </message>
        <message>
            <source>Wiener</source>
            <translation>Wiener</translation>
        </message>
        <message>
            <source>Weighs every frequency by its signal-to-noise ratio: fast, uses the noise level.</source>
            <translation>Wägt jede Frequenz nach ihrem Signal-Rausch-Verhältnis: schnell, nutzt den Rauschpegel.</translation>
        </message>
        <message>
            <source>Wiener filter</source>
            <translation>Wiener-Filter</translation>
        </message>
        <message>
            <source>Landweber</source>
            <translation>Landweber</translation>
        </message>
        <message>
            <source>Approaches the sharp image step by step: stopping early keeps the noise down.</source>
            <translation>Nähert sich dem scharfen Bild Schritt für Schritt: frühes Aufhören hält das Rauschen klein.</translation>
        </message>
        <message>
            <source>Projected Landweber</source>
            <translation>Projiziertes Landweber</translation>
        </message>
        <message>
            <source>Landweber steps without negative values: for images that cannot be negative.</source>
            <translation>Landweber-Schritte ohne negative Werte: für Bilder, die nicht negativ sein können.</translation>
        </message>
        <message>
            <source>projected Landweber</source>
            <translation>projizierter Landweber</translation>
        </message>
        <message>
            <source>Richardson-Lucy</source>
            <translation>Richardson-Lucy</translation>
        </message>
        <message>
            <source>Multiplicative steps for counts (Poisson noise): keeps the image positive.</source>
            <translation>Multiplikative Schritte für Zählwerte (Poisson-Rauschen): hält das Bild positiv.</translation>
        </message>
        <message>
            <source>Multiplicative steps for counts: keeps the image positive, stops by itself.</source>
            <translation>Multiplikative Schritte für Zählwerte: hält das Bild positiv, hört von selbst auf.</translation>
        </message>
        <message>
            <source>Gradient steps that stop when what is left is noise.</source>
            <translation>Gradientenschritte, die aufhören, wenn nur Rauschen übrig ist.</translation>
        </message>
        <message>
            <source>Gradient steps without negative values, for images that have none.</source>
            <translation>Gradientenschritte ohne negative Werte, für Bilder, die keine haben.</translation>
        </message>
        <message>
            <source>Least squares with a smooth result: fast and safe for noisy images.</source>
            <translation>Kleinste Quadrate mit glattem Ergebnis: schnell und sicher für verrauschte Bilder.</translation>
        </message>
        <message>
            <source>Total variation</source>
            <translation>Totale Variation</translation>
        </message>
        <message>
            <source>Least squares with sharp edges, and flat regions or slopes as the image has them: slower.</source>
            <translation>Kleinste Quadrate mit scharfen Kanten und flachen oder geneigten Flächen, wie das Bild sie hat: langsamer.</translation>
        </message>
        <message>
            <source>total variation</source>
            <translation>totale Variation</translation>
        </message>
        <message>
            <source>Self-keyed total variation</source>
            <translation>Totale Variation, selbst bestimmt</translation>
        </message>
        <message>
            <source>Total variation with kernels chosen by the sharp intensity that is being sought.</source>
            <translation>Totale Variation mit Kernen, die die gesuchte scharfe Intensität bestimmt.</translation>
        </message>
        <message>
            <source>self-keyed</source>
            <translation>selbst bestimmte Variation</translation>
        </message>
        <message>
            <source>Plug-and-play</source>
            <translation>Plug-and-play</translation>
        </message>
        <message>
            <source>A denoiser in the place of a penalty: closest to most images, and slowest.</source>
            <translation>Ein Entrauscher anstelle einer Strafe: den meisten Bildern am nächsten, und am langsamsten.</translation>
        </message>
        <message>
            <source>plug-and-play</source>
            <translation>Plug-and-Play</translation>
        </message>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Strategy and method that are expected to come closest, by kernels, image and memory.</source>
            <translation>Strategie und Verfahren, die nach Kernen, Bild und Speicher am nächsten kommen dürften.</translation>
        </message>
        <message>
            <source>For every kernel the filter, constant and iterations that do best in a simulation with the image.</source>
            <translation>Für jeden Kern das Filter, die Konstante und die Schritte, die in einer Simulation mit dem Bild am besten sind.</translation>
        </message>
        <message>
            <source>a filter chosen for each kernel</source>
            <translation>je Kern gewähltem Filter</translation>
        </message>
        <message>
            <source>The inversion that is expected to come closest, by kernels and image.</source>
            <translation>Die Umkehrung, die nach Kernen und Bild am nächsten kommen dürfte.</translation>
        </message>
    </context>
    <context>
        <name>mrml.channels</name>
        <message>
            <source>channel {number} ({name})</source>
            <translation>Kanal {number} ({name})</translation>
        </message>
        <message>
            <source>channel {number}</source>
            <translation>Kanal {number}</translation>
        </message>
        <message>
            <source>{some} and {count} others</source>
            <translation>{some} und {count} andere</translation>
        </message>
    </context>
    <context>
        <name>mrml.previewing</name>
        <message>
            <source>Preview</source>
            <translation>Vorschau</translation>
        </message>
        <message>
            <source>{size} voxels, {seconds:.1f} s.</source>
            <translation>{size} Voxel, {seconds:.1f} s.</translation>
        </message>
        <message>
            <source>a better one follows</source>
            <translation>eine bessere folgt</translation>
        </message>
        <message>
            <source>Nothing changes: {notes}.</source>
            <translation>Nichts ändert sich: {notes}.</translation>
        </message>
        <message>
            <source>Approximate: {notes}.</source>
            <translation>Genähert: {notes}.</translation>
        </message>
    </context>
    <context>
        <name>mrml.selections</name>
        <message>
            <source>of another size</source>
            <translation>von anderer Größe</translation>
        </message>
        <message>
            <source>up to {distance:.3g} mm apart</source>
            <translation>bis {distance:.3g} mm auseinander</translation>
        </message>
        <message>
            <source>{argument} {node} has another geometry than {reference} ({apart}): {text}; against {geometry}; resample it, or let it be resampled</source>
            <translation>{argument} {node} hat eine andere Geometrie als {reference} ({apart}): {text}; gegen {geometry}; rechnen Sie es um, oder lassen Sie es umrechnen</translation>
        </message>
    </context>
    <context>
        <name>mrml.sheets</name>
        <message>
            <source>the frame that {name} shows has no residual map (memory has room for some); apply to it alone</source>
            <translation>das Einzelbild, das {name} zeigt, hat keine Restkarte (der Speicher reicht für einige); wenden Sie es auf dieses allein an</translation>
        </message>
        <message>
            <source>{name} residual</source>
            <translation>{name} Rest</translation>
        </message>
    </context>
    <context>
        <name>noise.estimate</name>
        <message>
            <source>noise 'poisson' is for counts, but the image's lowest value is {lowest:.4g}; add what was taken off it (in Python, NoiseLaw.poisson knows gain and offset), or let the noise be found</source>
            <translation>das Rauschen 'poisson' ist für Zählwerte, aber der kleinste Wert des Bildes ist {lowest:.4g}; addieren Sie, was abgezogen wurde (in Python kennt NoiseLaw.poisson Verstärkung und Nullwert), oder lassen Sie das Rauschen finden</translation>
        </message>
    </context>
    <context>
        <name>panel.applysection</name>
        <message>
            <source>Apply</source>
            <translation>Anwenden</translation>
        </message>
        <message>
            <source>Stop measuring.</source>
            <translation>Das Messen beenden.</translation>
        </message>
        <message>
            <source>Spatially Variant Deconvolution</source>
            <translation>Ortsabhängige Entfaltung</translation>
        </message>
        <message>
            <source>{name} shows one of the {count} frames of the sequence {sequence}. Work on all of them?</source>
            <translation>{name} zeigt eines der {count} Bilder der Sequenz {sequence}. An allen arbeiten?</translation>
        </message>
        <message>
            <source>All {count} frames</source>
            <translation>Alle {count} Bilder</translation>
        </message>
        <message>
            <source>This frame only</source>
            <translation>Nur dieses Bild</translation>
        </message>
        <message>
            <source>Stop and leave the scene as it is.</source>
            <translation>Beenden und die Szene lassen, wie sie ist.</translation>
        </message>
        <message>
            <source>Cancelled; nothing was changed.</source>
            <translation>Abgebrochen; nichts wurde geändert.</translation>
        </message>
    </context>
    <context>
        <name>panel.choicetips</name>
        <message>
            <source>Left an image, right what the method makes of it.</source>
            <translation>Links ein Bild, rechts, was das Verfahren daraus macht.</translation>
        </message>
        <message>
            <source>The frame is the border of the image.</source>
            <translation>Der Rahmen ist der Rand des Bildes.</translation>
        </message>
        <message>
            <source>Left points beside the border of two kernels, right their image.</source>
            <translation>Links Punkte beiderseits der Grenze zweier Kerne, rechts ihr Bild.</translation>
        </message>
        <message>
            <source>Left an image, right how wide the kernel of each voxel is: the brighter, the wider.</source>
            <translation>Links ein Bild, rechts, wie breit der Kern jedes Voxels ist: je heller, desto breiter.</translation>
        </message>
    </context>
    <context>
        <name>panel.compare</name>
        <message>
            <source>Deconvolving leaves a residual to look at; convolutions, runs in tiles and results that were not made just now have none.</source>
            <translation>Entfalten lässt einen Rest zum Ansehen; Faltungen, Läufe in Kacheln und Ergebnisse, die nicht eben erst entstanden sind, haben keinen.</translation>
        </message>
        <message>
            <source>One of the two volumes holds no voxels any more.</source>
            <translation>Eines der beiden Volumen enthält keine Voxel mehr.</translation>
        </message>
        <message>
            <source>There are no two slice views to show the volumes in.</source>
            <translation>Es gibt keine zwei Schichtansichten, in denen die Volumen zu zeigen wären.</translation>
        </message>
        <message>
            <source>Output - input</source>
            <translation>Ausgabe - Eingabe</translation>
        </message>
        <message>
            <source>Residual / noise</source>
            <translation>Rest / Rauschen</translation>
        </message>
        <message>
            <source>Residual</source>
            <translation>Rest</translation>
        </message>
    </context>
    <context>
        <name>panel.comparing</name>
        <message>
            <source>{name} difference</source>
            <translation>{name} Differenz</translation>
        </message>
    </context>
    <context>
        <name>panel.curveplots</name>
        <message>
            <source>What the kernels pass (MTF)</source>
            <translation>Was die Kerne durchlassen (MTF)</translation>
        </message>
        <message>
            <source>Spatial frequency (1/mm)</source>
            <translation>Ortsfrequenz (1/mm)</translation>
        </message>
        <message>
            <source>Modulation</source>
            <translation>Modulation</translation>
        </message>
        <message>
            <source>Profiles of the kernels</source>
            <translation>Profile der Kerne</translation>
        </message>
        <message>
            <source>Distance (mm)</source>
            <translation>Abstand (mm)</translation>
        </message>
        <message>
            <source>Weight per mm</source>
            <translation>Gewicht je mm</translation>
        </message>
        <message>
            <source>everywhere</source>
            <translation>überall</translation>
        </message>
        <message>
            <source>{name}, along i</source>
            <translation>{name}, entlang i</translation>
        </message>
        <message>
            <source>{name}, along j</source>
            <translation>{name}, entlang j</translation>
        </message>
        <message>
            <source>measured</source>
            <translation>gemessen</translation>
        </message>
        <message>
            <source>of the kernel</source>
            <translation>des Kerns</translation>
        </message>
        <message>
            <source>the highest that voxels show</source>
            <translation>die höchste, die Voxel zeigen</translation>
        </message>
        <message>
            <source>Measured MTF</source>
            <translation>Gemessene MTF</translation>
        </message>
        <message>
            <source>in units of the noise</source>
            <translation>in Einheiten des Rauschens</translation>
        </message>
        <message>
            <source>in units of the image</source>
            <translation>in Einheiten des Bildes</translation>
        </message>
        <message>
            <source>root mean square</source>
            <translation>quadratisches Mittel</translation>
        </message>
        <message>
            <source>at the worst place</source>
            <translation>an der schlechtesten Stelle</translation>
        </message>
        <message>
            <source>what noise leaves</source>
            <translation>was Rauschen übrig lässt</translation>
        </message>
        <message>
            <source>What each kernel leaves unexplained</source>
            <translation>Was jeder Kern nicht erklärt</translation>
        </message>
        <message>
            <source>Level</source>
            <translation>Stufe</translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>Residual, {unit}</source>
            <translation>Rest, {unit}</translation>
        </message>
        <message>
            <source>times the noise</source>
            <translation>mal das Rauschen</translation>
        </message>
        <message>
            <source>image units</source>
            <translation>Bildeinheiten</translation>
        </message>
        <message>
            <source>The kernel at {at} fits least: {rms:.3g} {unit}. The worst place is voxel {voxel} (i, j, k): {worst:.3g}.</source>
            <translation>Der Kern bei {at} passt am wenigsten: {rms:.3g} {unit}. Die schlechteste Stelle ist Voxel {voxel} (i, j, k): {worst:.3g}.</translation>
        </message>
        <message>
            <source>The kernel leaves {rms:.3g} {unit}. The worst place is voxel {voxel} (i, j, k): {worst:.3g}.</source>
            <translation>Der Kern lässt {rms:.3g} {unit} übrig. Die schlechteste Stelle ist Voxel {voxel} (i, j, k): {worst:.3g}.</translation>
        </message>
        <message>
            <source>{title} table</source>
            <translation>{title} (Tabelle)</translation>
        </message>
    </context>
    <context>
        <name>panel.estimatesection</name>
        <message>
            <source>Measure</source>
            <translation>Messen</translation>
        </message>
        <message>
            <source>Measure the kernels and put them into the table.</source>
            <translation>Die Kerne messen und in die Tabelle setzen.</translation>
        </message>
        <message>
            <source>Stop and leave the table as it is.</source>
            <translation>Beenden und die Tabelle lassen, wie sie ist.</translation>
        </message>
        <message>
            <source>Measuring: {text}</source>
            <translation>Messen: {text}</translation>
        </message>
        <message>
            <source>Measured kernel {place}</source>
            <translation>Gemessener Kern {place}</translation>
        </message>
        <message>
            <source>Cancelled; nothing was changed.</source>
            <translation>Abgebrochen; nichts wurde geändert.</translation>
        </message>
        <message>
            <source>Spatially Variant Deconvolution</source>
            <translation>Ortsabhängige Entfaltung</translation>
        </message>
    </context>
    <context>
        <name>panel.goalsection</name>
        <message>
            <source>A method of my choice</source>
            <translation>Ein Verfahren meiner Wahl</translation>
        </message>
    </context>
    <context>
        <name>panel.kernelfacts</name>
        <message>
            <source>Automatic</source>
            <translation>Automatisch</translation>
        </message>
        <message>
            <source>Middle</source>
            <translation>Mitte</translation>
        </message>
        <message>
            <source>ITK's voxel (n // 2)</source>
            <translation>ITKs Voxel (n // 2)</translation>
        </message>
        <message>
            <source>Peak</source>
            <translation>Größter Wert</translation>
        </message>
        <message>
            <source>Centroid</source>
            <translation>Schwerpunkt</translation>
        </message>
        <message>
            <source>the middle of a kernel that is symmetric about it, ITK's voxel of others</source>
            <translation>die Mitte eines Kerns, der zu ihr symmetrisch ist, sonst ITKs Voxel</translation>
        </message>
        <message>
            <source>(n - 1) / 2, which lies between two voxels where n is even</source>
            <translation>(n - 1) / 2, bei geradem n zwischen zwei Voxeln</translation>
        </message>
        <message>
            <source>index n // 2, counted from 0, the rule of ITK's filters</source>
            <translation>Index n // 2, ab 0 gezählt, die Regel der ITK-Filter</translation>
        </message>
        <message>
            <source>the largest value</source>
            <translation>der größte Wert</translation>
        </message>
        <message>
            <source>the mean place of the weight</source>
            <translation>der mittlere Ort des Gewichts</translation>
        </message>
        <message>
            <source>centre in the middle, between voxels</source>
            <translation>Bezugspunkt in der Mitte, zwischen Voxeln</translation>
        </message>
        <message>
            <source>centre in the middle</source>
            <translation>Bezugspunkt in der Mitte</translation>
        </message>
        <message>
            <source>centre at ITK's voxel {place}</source>
            <translation>Bezugspunkt bei ITKs Voxel {place}</translation>
        </message>
        <message>
            <source>centre at {place}</source>
            <translation>Bezugspunkt bei {place}</translation>
        </message>
        <message>
            <source>{size} of the image's voxels, {centre}</source>
            <translation>{size} Voxel des Bildes, {centre}</translation>
        </message>
        <message>
            <source>{size} voxels of {spacing} mm, {centre}</source>
            <translation>{size} Voxel von {spacing} mm, {centre}</translation>
        </message>
        <message>
            <source>centre middle</source>
            <translation>Bezugspunkt Mitte</translation>
        </message>
        <message>
            <source>centre ITK's</source>
            <translation>Bezugspunkt nach ITK</translation>
        </message>
        <message>
            <source>centre {place}</source>
            <translation>Bezugspunkt {place}</translation>
        </message>
        <message>
            <source>image's voxels</source>
            <translation>Voxel des Bildes</translation>
        </message>
        <message>
            <source>{spacing} mm</source>
            <translation>{spacing} mm</translation>
        </message>
    </context>
    <context>
        <name>panel.kernelfields</name>
        <message>
            <source>one number, or one for each axis of the volume</source>
            <translation>eine Zahl oder eine je Achse des Volumens</translation>
        </message>
        <message>
            <source>several numbers</source>
            <translation>mehrere Zahlen</translation>
        </message>
        <message>
            <source>({count} numbers)</source>
            <translation>({count} Zahlen)</translation>
        </message>
    </context>
    <context>
        <name>panel.kernelfiles</name>
        <message>
            <source>{text} are {found} levels, not {count}</source>
            <translation>{text} sind {found} Stufen, nicht {count}</translation>
        </message>
    </context>
    <context>
        <name>panel.kernelrows</name>
        <message>
            <source>Volume</source>
            <translation>Volumen</translation>
        </message>
        <message>
            <source>The voxels of a volume in the scene.</source>
            <translation>Die Voxel eines Volumens der Szene.</translation>
        </message>
        <message>
            <source>level</source>
            <translation>Stufe</translation>
        </message>
        <message>
            <source>position '{text}' must be three numbers: z, y, x in mm</source>
            <translation>Ort „{text}“ muss drei Zahlen sein: z, y, x in mm</translation>
        </message>
        <message>
            <source>channel '{text}' is no number from 1 on</source>
            <translation>Kanal „{text}“ ist keine Zahl ab 1</translation>
        </message>
        <message>
            <source>no file is chosen</source>
            <translation>keine Datei ist gewählt</translation>
        </message>
        <message>
            <source>its size is missing</source>
            <translation>seine Größe fehlt</translation>
        </message>
        <message>
            <source>size '{text}' is no number</source>
            <translation>Größe „{text}“ ist keine Zahl</translation>
        </message>
        <message>
            <source>size '{text}' must be one number</source>
            <translation>Größe „{text}“ muss eine Zahl sein</translation>
        </message>
        <message>
            <source>size '{text}' must be whole voxels</source>
            <translation>Größe „{text}“ muss ganze Voxel sein</translation>
        </message>
        <message>
            <source>direction '{text}' must be an angle, or z, y, x</source>
            <translation>Richtung „{text}“ muss ein Winkel sein, oder z, y, x</translation>
        </message>
        <message>
            <source>no volume is chosen</source>
            <translation>kein Volumen ist gewählt</translation>
        </message>
        <message>
            <source>it has no segment</source>
            <translation>er hat kein Segment</translation>
        </message>
        <message>
            <source>it has no channel</source>
            <translation>er hat keinen Kanal</translation>
        </message>
        <message>
            <source>it has no frame</source>
            <translation>er hat kein Einzelbild</translation>
        </message>
        <message>
            <source>{what} '{text}' is no number</source>
            <translation>{what} „{text}“ ist keine Zahl</translation>
        </message>
        <message>
            <source>the kernel table is empty; add a kernel or load a kernel set</source>
            <translation>die Kerntabelle ist leer; einen Kern hinzufügen oder einen Kernsatz laden</translation>
        </message>
        <message>
            <source>one kernel everywhere, but the table has {count}; remove the others</source>
            <translation>ein Kern überall, aber die Tabelle hat {count}; die anderen entfernen</translation>
        </message>
        <message>
            <source>kernel {row}</source>
            <translation>Kern {row}</translation>
        </message>
        <message>
            <source>There are no kernels yet: add files, drop them here, or enter kernels (Edit...).</source>
            <translation>Noch keine Kerne: Dateien hinzufügen, hier ablegen oder Kerne eingeben (Bearbeiten...).</translation>
        </message>
        <message>
            <source>One kernel everywhere, but the table has {count}: remove the others.</source>
            <translation>Ein Kern überall, aber die Tabelle hat {count}: die anderen entfernen.</translation>
        </message>
        <message>
            <source>Kernel {number}: {problem}.</source>
            <translation>Kern {number}: {problem}.</translation>
        </message>
        <message>
            <source>Kernel {number}: there is no channel '{name}'; there are {channels}.</source>
            <translation>Kern {number}: einen Kanal „{name}“ gibt es nicht, aber {channels}.</translation>
        </message>
        <message>
            <source>Kernels {first} and {second} are both for {place}: remove or change one.</source>
            <translation>Die Kerne {first} und {second} sind beide für {place}: einen entfernen oder ändern.</translation>
        </message>
        <message>
            <source>press the right mouse button on the row and choose Prepare: that mends it</source>
            <translation>mit der rechten Maustaste auf die Zeile klicken und Vorbereiten wählen: das behebt es</translation>
        </message>
        <message>
            <source>narrower than half a voxel ({size:g} mm): it changes next to nothing</source>
            <translation>schmaler als ein halbes Voxel ({size:g} mm): er ändert so gut wie nichts</translation>
        </message>
        <message>
            <source>by its covariance</source>
            <translation>nach seiner Kovarianz</translation>
        </message>
        <message>
            <source>{name}, page {page}</source>
            <translation>{name}, Seite {page}</translation>
        </message>
        <message>
            <source>{name} (logarithm)</source>
            <translation>{name} (Logarithmus)</translation>
        </message>
        <message>
            <source>{name} (decimal logarithm)</source>
            <translation>{name} (dekadischer Logarithmus)</translation>
        </message>
        <message>
            <source>its voxels are those of the input volume; choose that first, or give their size</source>
            <translation>seine Voxel sind die des Eingabevolumens; dieses zuerst wählen oder ihre Größe angeben</translation>
        </message>
        <message>
            <source>{name} prepared</source>
            <translation>{name} vorbereitet</translation>
        </message>
        <message>
            <source>Levels from histogram</source>
            <translation>Stufen aus dem Histogramm</translation>
        </message>
        <message>
            <source>Fill the table with levels around which the intensities of the volume gather.</source>
            <translation>Die Tabelle mit Stufen füllen, um die sich die Intensitäten des Volumens häufen.</translation>
        </message>
        <message>
            <source>A row for every segment</source>
            <translation>Eine Zeile je Segment</translation>
        </message>
        <message>
            <source>Add a row for every segment or label that has none yet.</source>
            <translation>Eine Zeile für jedes Segment oder Label hinzufügen, das noch keine hat.</translation>
        </message>
        <message>
            <source>A row for every channel</source>
            <translation>Eine Zeile je Kanal</translation>
        </message>
        <message>
            <source>Add a row for every channel that has none yet.</source>
            <translation>Eine Zeile für jeden Kanal hinzufügen, der noch keine hat.</translation>
        </message>
        <message>
            <source>A row for every frame</source>
            <translation>Eine Zeile je Einzelbild</translation>
        </message>
        <message>
            <source>Add a row for every frame that has none yet.</source>
            <translation>Eine Zeile für jedes Einzelbild hinzufügen, das noch keine hat.</translation>
        </message>
        <message>
            <source>Level</source>
            <translation>Stufe</translation>
        </message>
        <message>
            <source>Segment</source>
            <translation>Segment</translation>
        </message>
        <message>
            <source>z, y, x (mm)</source>
            <translation>z, y, x (mm)</translation>
        </message>
        <message>
            <source>Everywhere</source>
            <translation>Überall</translation>
        </message>
        <message>
            <source>Weight image</source>
            <translation>Gewichtsbild</translation>
        </message>
        <message>
            <source>Channel</source>
            <translation>Kanal</translation>
        </message>
        <message>
            <source>Frame</source>
            <translation>Einzelbild</translation>
        </message>
        <message>
            <source>stored</source>
            <translation>gespeicherte</translation>
        </message>
        <message>
            <source>different</source>
            <translation>verschiedene</translation>
        </message>
        <message>
            <source>One {kind} kernel for the whole volume.</source>
            <translation>Ein Kern ({kind}) für das ganze Volumen.</translation>
        </message>
        <message>
            <source>One {kind} kernel, at intensity {level:g}.</source>
            <translation>Ein Kern ({kind}), bei Intensität {level:g}.</translation>
        </message>
        <message>
            <source>{count} {kind} kernels, intensity {least:g} to {most:g}.</source>
            <translation>{count} Kerne ({kind}), Intensität {least:g} bis {most:g}.</translation>
        </message>
        <message>
            <source>One {kind} kernel, keyed to a region.</source>
            <translation>Ein Kern ({kind}), durch einen Bereich bestimmt.</translation>
        </message>
        <message>
            <source>One {kind} kernel, keyed to position.</source>
            <translation>Ein Kern ({kind}), durch den Ort bestimmt.</translation>
        </message>
        <message>
            <source>One {kind} kernel, with a weight image.</source>
            <translation>Ein Kern ({kind}), mit einem Gewichtsbild.</translation>
        </message>
        <message>
            <source>One {kind} kernel, for one channel.</source>
            <translation>Ein Kern ({kind}), für einen Kanal.</translation>
        </message>
        <message>
            <source>One {kind} kernel, for one frame.</source>
            <translation>Ein Kern ({kind}), für ein Einzelbild.</translation>
        </message>
        <message>
            <source>{count} {kind} kernels, keyed to regions.</source>
            <translation>{count} Kerne ({kind}), durch Bereiche bestimmt.</translation>
        </message>
        <message>
            <source>{count} {kind} kernels, keyed to position.</source>
            <translation>{count} Kerne ({kind}), durch den Ort bestimmt.</translation>
        </message>
        <message>
            <source>{count} {kind} kernels, each with its own weight image.</source>
            <translation>{count} Kerne ({kind}), jeder mit eigenem Gewichtsbild.</translation>
        </message>
        <message>
            <source>{count} {kind} kernels, one for each channel.</source>
            <translation>{count} Kerne ({kind}), einer für jeden Kanal.</translation>
        </message>
        <message>
            <source>{count} {kind} kernels, one for each frame.</source>
            <translation>{count} Kerne ({kind}), einer für jedes Einzelbild.</translation>
        </message>
        <message>
            <source>there is no text on the clipboard; copy cells of a spreadsheet first</source>
            <translation>in der Zwischenablage ist kein Text; zuerst Zellen einer Tabellenkalkulation kopieren</translation>
        </message>
        <message>
            <source>line {number}: a kernel from a file needs its path</source>
            <translation>Zeile {number}: ein Kern aus einer Datei braucht deren Pfad</translation>
        </message>
        <message>
            <source>line {number}: {problem}</source>
            <translation>Zeile {number}: {problem}</translation>
        </message>
        <message>
            <source>line {number}: '{word}' is no kind of kernel; known: {known}</source>
            <translation>Zeile {number}: „{word}“ ist keine Art von Kern; bekannt: {known}</translation>
        </message>
    </context>
    <context>
        <name>panel.kerneltable</name>
        <message>
            <source>Prepare: background, centre, edge, sum</source>
            <translation>Vorbereiten: Untergrund, Mitte, Rand, Summe</translation>
        </message>
        <message>
            <source>the kernel</source>
            <translation>der Kern</translation>
        </message>
        <message>
            <source>its natural logarithm</source>
            <translation>sein natürlicher Logarithmus</translation>
        </message>
        <message>
            <source>its decimal logarithm</source>
            <translation>sein dekadischer Logarithmus</translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>Parameters</source>
            <translation>Parameter</translation>
        </message>
        <message>
            <source>Notes</source>
            <translation>Hinweise</translation>
        </message>
        <message>
            <source>Volume:</source>
            <translation>Volumen:</translation>
        </message>
        <message>
            <source>File:</source>
            <translation>Datei:</translation>
        </message>
        <message>
            <source>Values are:</source>
            <translation>Werte sind:</translation>
        </message>
        <message>
            <source>Angle (°):</source>
            <translation>Winkel (°):</translation>
        </message>
        <message>
            <source>left half of the picture: before</source>
            <translation>linke Hälfte des Bildes: vorher</translation>
        </message>
        <message>
            <source>Changes apply to the {count} selected rows.</source>
            <translation>Änderungen gelten für die {count} gewählten Zeilen.</translation>
        </message>
        <message>
            <source>{spacing} (of the file)</source>
            <translation>{spacing} (der Datei)</translation>
        </message>
        <message>
            <source>the image's</source>
            <translation>die des Bildes</translation>
        </message>
        <message>
            <source>{spacing} (the image's)</source>
            <translation>{spacing} (die des Bildes)</translation>
        </message>
        <message>
            <source>Read a table of distances and densities</source>
            <translation>Eine Tabelle von Abständen und Dichten lesen</translation>
        </message>
        <message>
            <source>There is nothing to prepare in the selected rows.</source>
            <translation>In den gewählten Zeilen gibt es nichts vorzubereiten.</translation>
        </message>
        <message>
            <source>There is no other volume in the scene</source>
            <translation>Es gibt kein anderes Volumen in der Szene</translation>
        </message>
        <message>
            <source>Kernels</source>
            <translation>Kerne</translation>
        </message>
        <message>
            <source>All files</source>
            <translation>Alle Dateien</translation>
        </message>
        <message>
            <source>Add kernels from files</source>
            <translation>Kerne aus Dateien hinzufügen</translation>
        </message>
        <message>
            <source>Levels of the {count} kernels, in order: numbers, or first:last:step.</source>
            <translation>Stufen der {count} Kerne, der Reihe nach: Zahlen, oder erste:letzte:Schritt.</translation>
        </message>
        <message>
            <source>{name} holds {size} values. What are they?</source>
            <translation>{name} enthält {size} Werte. Was sind sie?</translation>
        </message>
        <message>
            <source>{count} kernels of {size}</source>
            <translation>{count} Kerne von {size}</translation>
        </message>
        <message>
            <source>One kernel in 3-D</source>
            <translation>Ein Kern in 3-D</translation>
        </message>
        <message>
            <source>Load kernel set</source>
            <translation>Kernsatz laden</translation>
        </message>
        <message>
            <source>Kernel sets</source>
            <translation>Kernsätze</translation>
        </message>
        <message>
            <source>Save kernel set</source>
            <translation>Kernsatz speichern</translation>
        </message>
    </context>
    <context>
        <name>panel.kernelweights</name>
        <message>
            <source>it has no weight image</source>
            <translation>er hat kein Gewichtsbild</translation>
        </message>
        <message>
            <source>'{text}' is no number of an image, from 0 on</source>
            <translation>„{text}“ ist keine Bildnummer ab 0</translation>
        </message>
    </context>
    <context>
        <name>panel.model</name>
        <message>
            <source>Whole volume</source>
            <translation>Ganzes Volumen</translation>
        </message>
        <message>
            <source>Segments or label map</source>
            <translation>Segmente oder Labelkarte</translation>
        </message>
        <message>
            <source>Threshold range</source>
            <translation>Schwellenbereich</translation>
        </message>
        <message>
            <source>Box (ROI)</source>
            <translation>Quader (ROI)</translation>
        </message>
        <message>
            <source>Blurs the input volume with the kernels{time}.</source>
            <translation>Verwischt das Eingabevolumen mit den Kernen{time}.</translation>
        </message>
        <message>
            <source>{strategy}, {method}: {time}. {sentence}</source>
            <translation>{strategy}, {method}: {time}. {sentence}</translation>
        </message>
        <message>
            <source>If the kernels belong to true values: {method}, {time}.</source>
            <translation>Wenn die Kerne zu wahren Werten gehören: {method}, {time}.</translation>
        </message>
        <message>
            <source>{time}, in {count} tiles as memory asks for</source>
            <translation>{time}, in {count} Kacheln, wie es der Speicher verlangt</translation>
        </message>
        <message>
            <source>less than a second</source>
            <translation>weniger als eine Sekunde</translation>
        </message>
        <message>
            <source>up to {time}</source>
            <translation>bis zu {time}</translation>
        </message>
        <message>
            <source>{least} to {most}</source>
            <translation>{least} bis {most}</translation>
        </message>
        <message>
            <source>auto (until only noise is left)</source>
            <translation>auto (bis nur Rauschen übrig ist)</translation>
        </message>
        <message>
            <source>default ({count})</source>
            <translation>Vorgabe ({count})</translation>
        </message>
        <message>
            <source>One kernel for the whole volume</source>
            <translation>Ein Kern für das ganze Volumen</translation>
        </message>
        <message>
            <source>The kernel of each row of the table</source>
            <translation>Der Kern jeder Zeile der Tabelle</translation>
        </message>
        <message>
            <source>Anything</source>
            <translation>Beliebig</translation>
        </message>
        <message>
            <source>Choose an input volume.</source>
            <translation>Ein Eingabevolumen wählen.</translation>
        </message>
        <message>
            <source>The input volume is empty: choose another one.</source>
            <translation>Das Eingabevolumen ist leer: ein anderes wählen.</translation>
        </message>
        <message>
            <source>Choose at least one segment of the region.</source>
            <translation>Mindestens ein Segment des Bereichs wählen.</translation>
        </message>
        <message>
            <source>Choose the segmentation or label map of the region.</source>
            <translation>Die Segmentierung oder Labelkarte des Bereichs wählen.</translation>
        </message>
        <message>
            <source>Choose the threshold range of the region.</source>
            <translation>Den Schwellenbereich des Bereichs wählen.</translation>
        </message>
        <message>
            <source>Choose or create the box (ROI) of the region.</source>
            <translation>Den Quader (ROI) des Bereichs wählen oder anlegen.</translation>
        </message>
        <message>
            <source>There is nothing in the segmentation or label map of the region: fill it, or choose another one.</source>
            <translation>In der Segmentierung oder Labelkarte des Bereichs ist nichts: sie füllen oder eine andere wählen.</translation>
        </message>
        <message>
            <source>Choose the segmentation or label map that the kernels belong to.</source>
            <translation>Die Segmentierung oder Labelkarte wählen, zu der die Kerne gehören.</translation>
        </message>
        <message>
            <source>The input volume has a single channel: choose one of several, or what else chooses the kernel.</source>
            <translation>Das Eingabevolumen hat nur einen Kanal: eines mit mehreren wählen oder den Kern anders bestimmen lassen.</translation>
        </message>
        <message>
            <source>The input volume is no frame of a sequence: choose one, or what else chooses the kernel.</source>
            <translation>Das Eingabevolumen ist kein Einzelbild einer Sequenz: eines wählen oder den Kern anders bestimmen lassen.</translation>
        </message>
        <message>
            <source>Self-keyed needs kernels keyed to intensity; choose another method or key.</source>
            <translation>Die selbst bestimmte Variation braucht Kerne, die die Intensität bestimmt; ein anderes Verfahren wählen oder anders bestimmen lassen.</translation>
        </message>
        <message>
            <source>Choose an output volume that is not one of the inputs.</source>
            <translation>Ein Ausgabevolumen wählen, das keine der Eingaben ist.</translation>
        </message>
        <message>
            <source>Some kernels lie in the slice: check 'Slice by slice'; or give a motion a direction z, y, x.</source>
            <translation>Manche Kerne liegen in der Schicht: „Schichtweise“ ankreuzen; oder einer Bewegung eine Richtung z, y, x geben.</translation>
        </message>
        <message>
            <source>Some kernels lie in the slice: check 'Slice by slice'.</source>
            <translation>Manche Kerne liegen in der Schicht: „Schichtweise“ ankreuzen.</translation>
        </message>
        <message>
            <source>Wait for the run to end, or cancel it.</source>
            <translation>Warten, bis der Lauf endet, oder ihn abbrechen.</translation>
        </message>
        <message>
            <source>Wait for the measurement to end, or cancel it.</source>
            <translation>Warten, bis das Messen endet, oder es abbrechen.</translation>
        </message>
        <message>
            <source>Convolve the input volume with the kernels.</source>
            <translation>Das Eingabevolumen mit den Kernen falten.</translation>
        </message>
        <message>
            <source>Deconvolve the input volume with the kernels: {method}.</source>
            <translation>Das Eingabevolumen mit den Kernen entfalten: {method}.</translation>
        </message>
        <message>
            <source>{text}, {seconds:.0f} s so far</source>
            <translation>{text}, bisher {seconds:.0f} s</translation>
        </message>
        <message>
            <source>{text}, about {time} left</source>
            <translation>{text}, noch etwa {time}</translation>
        </message>
        <message>
            <source>{seconds} s</source>
            <translation>{seconds} s</translation>
        </message>
        <message>
            <source>{minutes} min</source>
            <translation>{minutes} min</translation>
        </message>
        <message>
            <source>{hours} h</source>
            <translation>{hours} h</translation>
        </message>
        <message>
            <source>{seconds:.1f} s</source>
            <translation>{seconds:.1f} s</translation>
        </message>
        <message>
            <source>{minutes} min {seconds} s</source>
            <translation>{minutes} min {seconds} s</translation>
        </message>
        <message>
            <source>{name}: done in {time}</source>
            <translation>{name}: fertig in {time}</translation>
        </message>
        <message>
            <source>{count} iterations</source>
            <translation>{count} Schritte</translation>
        </message>
        <message>
            <source>noise {noise:.3g}</source>
            <translation>Rauschen {noise:.3g}</translation>
        </message>
        <message>
            <source>centre of the kernels: {place}</source>
            <translation>Bezugspunkt der Kerne: {place}</translation>
        </message>
        <message>
            <source>The width of the kernels cannot be told: {reason}.</source>
            <translation>Die Breite der Kerne lässt sich nicht sagen: {reason}.</translation>
        </message>
        <message>
            <source>Width: {text}.</source>
            <translation>Breite: {text}.</translation>
        </message>
        <message>
            <source>Warning: {text}</source>
            <translation>Warnung: {text}</translation>
        </message>
        <message>
            <source>residual {residual:.3g} (1 is ideal)</source>
            <translation>Rest {residual:.3g} (1 ist ideal)</translation>
        </message>
        <message>
            <source>residual far above the noise</source>
            <translation>Rest weit über dem Rauschen</translation>
        </message>
        <message>
            <source>{name}: {count} frames done in {time} of work</source>
            <translation>{name}: {count} Bilder fertig in {time} Arbeit</translation>
        </message>
        <message>
            <source>at most {residual}</source>
            <translation>höchstens {residual}</translation>
        </message>
        <message>
            <source>One kernel applies everywhere.</source>
            <translation>Ein Kern gilt überall.</translation>
        </message>
        <message>
            <source>One kernel applies everywhere in a channel.</source>
            <translation>Ein Kern gilt überall in einem Kanal.</translation>
        </message>
        <message>
            <source>One kernel applies everywhere in a frame.</source>
            <translation>Ein Kern gilt überall in einem Einzelbild.</translation>
        </message>
        <message>
            <source>Choose the sharp volume.</source>
            <translation>Das scharfe Volumen wählen.</translation>
        </message>
        <message>
            <source>Choose the blurred volume.</source>
            <translation>Das unscharfe Volumen wählen.</translation>
        </message>
        <message>
            <source>Choose what the kernels are keyed to, or measure one kernel.</source>
            <translation>Wählen, was die Kerne bestimmt, oder einen einzigen Kern messen.</translation>
        </message>
        <message>
            <source>Fill the table with levels, regions or positions first.</source>
            <translation>Zuerst die Tabelle mit Stufen, Bereichen oder Orten füllen.</translation>
        </message>
        <message>
            <source>Measured in {time}</source>
            <translation>Gemessen in {time}</translation>
        </message>
        <message>
            <source>{count} of {all} kernels determined by the volumes</source>
            <translation>{count} von {all} Kernen durch die Volumen bestimmt</translation>
        </message>
        <message>
            <source>uncertainty {percent:.0f} %</source>
            <translation>Unsicherheit {percent:.0f} %</translation>
        </message>
        <message>
            <source>gain {gain:.4g}</source>
            <translation>Faktor {gain:.4g}</translation>
        </message>
        <message>
            <source>offset {offset:.4g}</source>
            <translation>Versatz {offset:.4g}</translation>
        </message>
        <message>
            <source>shift {shift} mm</source>
            <translation>Verschiebung {shift} mm</translation>
        </message>
        <message>
            <source>The computer ran out of memory; close other data or crop the volume.</source>
            <translation>Der Arbeitsspeicher reicht nicht; andere Daten schließen oder das Volumen zuschneiden.</translation>
        </message>
        <message>
            <source>choose 'its natural logarithm' at 'Values are'</source>
            <translation>„sein natürlicher Logarithmus“ bei „Werte sind“ wählen</translation>
        </message>
        <message>
            <source>uncheck 'gain'</source>
            <translation>„Faktor“ abwählen</translation>
        </message>
        <message>
            <source>(Advanced, NaN and infinity)</source>
            <translation>(Erweitert, NaN und unendlich)</translation>
        </message>
        <message>
            <source>give it at 'Voxel size' (Edit...)</source>
            <translation>bei „Voxelgröße“ angeben (Bearbeiten...)</translation>
        </message>
        <message>
            <source>Fill NaN and infinity, and apply</source>
            <translation>NaN und unendliche füllen und anwenden</translation>
        </message>
        <message>
            <source>Resample onto the input, and apply</source>
            <translation>Auf die Eingabe umrechnen und anwenden</translation>
        </message>
        <message>
            <source>Work slice by slice, and apply</source>
            <translation>Schichtweise arbeiten und anwenden</translation>
        </message>
        <message>
            <source>Work slice by slice</source>
            <translation>Schichtweise arbeiten</translation>
        </message>
        <message>
            <source>(In the panel: Advanced, NaN and infinity.)</source>
            <translation>(Im Panel: Erweitert, NaN und unendlich.)</translation>
        </message>
        <message>
            <source>(In the panel: Advanced, Other geometry.)</source>
            <translation>(Im Panel: Erweitert, Andere Geometrie.)</translation>
        </message>
        <message>
            <source>(In the panel: Kernels, Slice by slice.)</source>
            <translation>(Im Panel: Kerne, Schichtweise.)</translation>
        </message>
        <message>
            <source>(In the panel: Advanced, Offset.)</source>
            <translation>(Im Panel: Erweitert, Versatz.)</translation>
        </message>
        <message>
            <source>(In the panel: Inputs, Engine.)</source>
            <translation>(Im Panel: Eingaben, Rechenwerk.)</translation>
        </message>
        <message>
            <source>(In the panel: Kernels, Outside.)</source>
            <translation>(Im Panel: Kerne, Außerhalb.)</translation>
        </message>
        <message>
            <source>(In the panel: Inputs, What to do.)</source>
            <translation>(Im Panel: Eingaben, Was tun.)</translation>
        </message>
    </context>
    <context>
        <name>panel.onevolume</name>
        <message>
            <source>A sharp and a blurred volume</source>
            <translation>Scharfes und unscharfes Volumen</translation>
        </message>
        <message>
            <source>Beads, stars or other points</source>
            <translation>Kügelchen, Sterne oder andere Punkte</translation>
        </message>
        <message>
            <source>A straight edge, slanted</source>
            <translation>Gerade Kante, schräg</translation>
        </message>
        <message>
            <source>A slit or wire, slanted</source>
            <translation>Spalt oder Draht, schräg</translation>
        </message>
        <message>
            <source>Choose the volume that shows the points.</source>
            <translation>Wählen Sie das Volumen, das die Punkte zeigt.</translation>
        </message>
        <message>
            <source>Choose the volume that shows the edge.</source>
            <translation>Wählen Sie das Volumen, das die Kante zeigt.</translation>
        </message>
        <message>
            <source>Choose the volume that shows the slit.</source>
            <translation>Wählen Sie das Volumen, das den Spalt zeigt.</translation>
        </message>
        <message>
            <source>{name} kernel</source>
            <translation>{name} Kern</translation>
        </message>
        <message>
            <source>positions are mm from the first voxel of {name}, whose grid is another than the input's</source>
            <translation>Orte sind in mm ab dem ersten Voxel von {name}, dessen Gitter ein anderes als das der Eingabe ist</translation>
        </message>
    </context>
    <context>
        <name>panel.plotnodes</name>
        <message>
            <source>Which kernel applies where</source>
            <translation>Welcher Kern wo gilt</translation>
        </message>
        <message>
            <source>Intensity</source>
            <translation>Intensität</translation>
        </message>
        <message>
            <source>Weight (grey: voxels, square root)</source>
            <translation>Gewicht (grau: Voxel, Wurzel)</translation>
        </message>
        <message>
            <source>refused</source>
            <translation>abgelehnt</translation>
        </message>
        <message>
            <source>unchanged</source>
            <translation>unverändert</translation>
        </message>
        <message>
            <source>everywhere</source>
            <translation>überall</translation>
        </message>
        <message>
            <source>How much of the image each kernel has</source>
            <translation>Wie viel des Bildes jeder Kern hat</translation>
        </message>
        <message>
            <source>Kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>Share of the voxels</source>
            <translation>Anteil der Voxel</translation>
        </message>
        <message>
            <source>Kernel weights</source>
            <translation>Kerngewichte</translation>
        </message>
        <message>
            <source>Kernel weights table</source>
            <translation>Kerngewichte (Tabelle)</translation>
        </message>
        <message>
            <source>Voxels</source>
            <translation>Voxel</translation>
        </message>
    </context>
    <context>
        <name>panel.preview</name>
        <message>
            <source>Computing the preview...</source>
            <translation>Die Vorschau wird berechnet...</translation>
        </message>
    </context>
    <context>
        <name>panel.running</name>
        <message>
            <source>Preparing...</source>
            <translation>Vorbereitung...</translation>
        </message>
        <message>
            <source>Cancel</source>
            <translation>Abbrechen</translation>
        </message>
        <message>
            <source>Cancelling...</source>
            <translation>Wird abgebrochen...</translation>
        </message>
    </context>
    <context>
        <name>panel.runssection</name>
        <message>
            <source>Result</source>
            <translation>Ergebnis</translation>
        </message>
        <message>
            <source>Time</source>
            <translation>Zeit</translation>
        </message>
        <message>
            <source>The buttons beside 'Compare' show {before} and {after}.</source>
            <translation>Die Knöpfe neben „Vergleichen“ zeigen {before} und {after}.</translation>
        </message>
        <message>
            <source>The voxels of this result are kept no longer; its settings are.</source>
            <translation>Die Voxel dieses Ergebnisses sind nicht mehr da; seine Einstellungen schon.</translation>
        </message>
    </context>
    <context>
        <name>panel.sheetsection</name>
        <message>
            <source>Compare all methods</source>
            <translation>Alle Verfahren vergleichen</translation>
        </message>
        <message>
            <source>Restore the block around the position of the slice views with every method.</source>
            <translation>Den Block um die Stelle der Schichtansichten mit jedem Verfahren wiederherstellen.</translation>
        </message>
        <message>
            <source>Stop; what is there stays.</source>
            <translation>Anhalten; was da ist, bleibt.</translation>
        </message>
        <message>
            <source>Stopped.</source>
            <translation>Angehalten.</translation>
        </message>
        <message>
            <source>Chosen: {name}.</source>
            <translation>Gewählt: {name}.</translation>
        </message>
    </context>
    <context>
        <name>panel.sheettiles</name>
        <message>
            <source>Input</source>
            <translation>Eingabe</translation>
        </message>
        <message>
            <source>Blend</source>
            <translation>Mischen</translation>
        </message>
        <message>
            <source>Joint</source>
            <translation>Gemeinsam</translation>
        </message>
        <message>
            <source>{strategy}: {method}</source>
            <translation>{strategy}: {method}</translation>
        </message>
        <message>
            <source>{name} (automatic)</source>
            <translation>{name} (automatisch)</translation>
        </message>
        <message>
            <source>not possible here</source>
            <translation>hier nicht möglich</translation>
        </message>
        <message>
            <source>{gain:+.1f} dB</source>
            <translation>{gain:+.1f} dB</translation>
        </message>
        <message>
            <source>residual {residual:.2f}</source>
            <translation>Rest {residual:.2f}</translation>
        </message>
        <message>
            <source>The input volume. Residual: how it differs from itself, blurred again, in units of the noise.</source>
            <translation>Das Eingabevolumen. Rest: wie es von sich selbst, wieder verwischt, abweicht, in Einheiten des Rauschens.</translation>
        </message>
        <message>
            <source>Click to choose this method. Residual: what the block leaves unexplained, in units of the noise (1 is ideal). dB: how much closer to the truth it came in a simulation, which tells the better method, not by how much.</source>
            <translation>Ein Klick wählt dieses Verfahren. Rest: was vom Block unerklärt bleibt, in Einheiten des Rauschens (1 ist ideal). dB: wie viel näher es der Wahrheit in einer Simulation kam; das sagt, welches Verfahren besser ist, nicht um wie viel.</translation>
        </message>
    </context>
    <context>
        <name>run.automatic</name>
        <message>
            <source>restoring a block to try filters on</source>
            <translation>ein Block zum Erproben von Filtern wird entfaltet</translation>
        </message>
        <message>
            <source>trying filters for kernel {number} of {count}</source>
            <translation>Filter für Kern {number} von {count} werden erprobt</translation>
        </message>
    </context>
    <context>
        <name>run.blend</name>
        <message>
            <source>{method} needs non-negative values, but the image goes down to {least:g} and offset is {offset:g}; leave it to the run</source>
            <translation>{method} braucht Werte ab 0, aber das Bild geht bis {least:g}, und der Nullwert ist {offset:g}; überlassen Sie ihn dem Lauf</translation>
        </message>
        <message>
            <source>kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>blended</source>
            <translation>überblendet</translation>
        </message>
    </context>
    <context>
        <name>run.blocks</name>
        <message>
            <source>the joint method takes its steps by what it sees of the block</source>
            <translation>das gemeinsame Verfahren wählt seine Schritte nach dem, was es vom Block sieht</translation>
        </message>
        <message>
            <source>kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>{method} depends on the whole image, which is too large for a preview</source>
            <translation>{method} hängt vom ganzen Bild ab, das für eine Vorschau zu groß ist</translation>
        </message>
        <message>
            <source>blended</source>
            <translation>überblendet</translation>
        </message>
        <message>
            <source>estimating the noise</source>
            <translation>das Rauschen wird geschätzt</translation>
        </message>
    </context>
    <context>
        <name>run.choose</name>
        <message>
            <source>kernels keyed to measured values, as was given</source>
            <translation>die Kerne gehören zu gemessenen Werten, wie angegeben</translation>
        </message>
        <message>
            <source>in tiles</source>
            <translation>in Kacheln</translation>
        </message>
        <message>
            <source>kernels taken as keyed to measured values, as the image was not asked</source>
            <translation>die Kerne gelten als zu gemessenen Werten gehörig, da das Bild nicht befragt wurde</translation>
        </message>
        <message>
            <source>{why}; if the levels are measured values, say so</source>
            <translation>{why}; sind die Stufen gemessene Werte, geben Sie das an</translation>
        </message>
        <message>
            <source>{why}; if the levels are true values, say so</source>
            <translation>{why}; sind die Stufen wahre Werte, geben Sie das an</translation>
        </message>
        <message>
            <source>finding whose intensity chooses the kernels</source>
            <translation>es wird ermittelt, wessen Intensität die Kerne wählt</translation>
        </message>
        <message>
            <source>the true values that the kernels are keyed to were not looked for: {reason}</source>
            <translation>die wahren Werte, zu denen die Kerne gehören, wurden nicht gesucht: {reason}</translation>
        </message>
        <message>
            <source>kernels keyed to true values that could not be looked for, so to measured ones</source>
            <translation>die Kerne gehören zu wahren Werten, die nicht gesucht werden konnten, daher zu gemessenen</translation>
        </message>
        <message>
            <source>kernels keyed to true values, as was given</source>
            <translation>die Kerne gehören zu wahren Werten, wie angegeben</translation>
        </message>
        <message>
            <source>method '{method}' looks for the true values of the object, but the kernels are keyed to measured values; take another method, or say that the levels are true values</source>
            <translation>das Verfahren '{method}' sucht die wahren Werte des Objekts, aber die Kerne gehören zu gemessenen; nehmen Sie ein anderes Verfahren, oder geben Sie an, dass die Stufen wahre Werte sind</translation>
        </message>
        <message>
            <source>the kernels are keyed to true values, but method '{method}' takes those of the image at hand: give a sharp guide or use method '{other}'</source>
            <translation>die Kerne gehören zu wahren Werten, aber das Verfahren '{method}' nimmt die des Bildes: Geben Sie ein scharfes Leitbild, oder nehmen Sie das Verfahren '{other}'</translation>
        </message>
        <message>
            <source>one kernel everywhere</source>
            <translation>ein Kern für alles</translation>
        </message>
        <message>
            <source>kernels keyed by {key}</source>
            <translation>Kerne gewählt nach {key}</translation>
        </message>
        <message>
            <source>{reason}, chosen by the guide</source>
            <translation>{reason}, gewählt vom Leitbild</translation>
        </message>
        <message>
            <source>{reason}, and negative values in the image</source>
            <translation>{reason}, und negative Werte im Bild</translation>
        </message>
        <message>
            <source>{reason}, and noise of more than {share:.0f} % of the range of values</source>
            <translation>{reason}, und Rauschen von mehr als {share:.0f} % des Wertebereichs</translation>
        </message>
        <message>
            <source>{reason}; the quicker of two methods, as the image is large</source>
            <translation>{reason}; das schnellere zweier Verfahren, da das Bild groß ist</translation>
        </message>
        <message>
            <source>the least memory</source>
            <translation>der geringste Speicher</translation>
        </message>
        <message>
            <source>not enough memory for {methods}</source>
            <translation>nicht genug Speicher für {methods}</translation>
        </message>
    </context>
    <context>
        <name>run.inputs</name>
        <message>
            <source>kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>kernel at {at}</source>
            <translation>Kern bei {at}</translation>
        </message>
        <message>
            <source> at {at}</source>
            <translation> bei {at}</translation>
        </message>
        <message>
            <source>the weights of the kernel{where} add up to {weight:.3g}, which takes the image's values beyond what {type} holds; scale it to sum 1</source>
            <translation>die Gewichte des Kerns{where} ergeben zusammen {weight:.3g}, was die Werte des Bildes über das hinaus bringt, was {type} fasst; bringen Sie die Summe auf 1</translation>
        </message>
        <message>
            <source>the image holds {nans} NaN and {infinite} infinite of {voxels} voxels; repair it, or let them be filled from their neighbours</source>
            <translation>das Bild enthält {nans} NaN und {infinite} unendliche von {voxels} Voxeln; reparieren Sie es, oder lassen Sie sie aus ihren Nachbarn füllen</translation>
        </message>
        <message>
            <source>{count} NaN or infinite voxels were filled with the nearest finite value</source>
            <translation>{count} NaN oder unendliche Voxel wurden mit dem nächsten endlichen Wert gefüllt</translation>
        </message>
        <message>
            <source>the {kept} of them outside the mask stay in the result as they are</source>
            <translation>die {kept} davon außerhalb der Maske bleiben im Ergebnis, wie sie sind</translation>
        </message>
        <message>
            <source>1 of {voxels} voxels is absurd</source>
            <translation>1 von {voxels} Voxeln ist unsinnig</translation>
        </message>
        <message>
            <source>{count} of {voxels} voxels are absurd</source>
            <translation>{count} von {voxels} Voxeln sind unsinnig</translation>
        </message>
        <message>
            <source>{which}, the first at {place} with {value:.6g}, while the rest lies around {middle:.4g}, within {spread:.2g} or so: that spoils the result around it, the noise and the residual; correct it, or make it NaN to be filled (nonfinite)</source>
            <translation>{which}, der erste bei {place} mit {value:.6g}, während der Rest um {middle:.4g} liegt, etwa innerhalb von {spread:.2g}: Das verdirbt das Ergebnis darum herum, das Rauschen und den Rest; berichtigen Sie ihn, oder machen Sie ihn zu NaN, das gefüllt wird (Erweitert)</translation>
        </message>
    </context>
    <context>
        <name>run.job</name>
        <message>
            <source>crop it</source>
            <translation>schneiden Sie es zu</translation>
        </message>
        <message>
            <source>a cascade needs Gaussian kernels; use it only where it can be used</source>
            <translation>eine Kaskade braucht Gauß-Kerne; nutzen Sie sie nur, wo es geht</translation>
        </message>
        <message>
            <source>the image has {size} voxels</source>
            <translation>das Bild hat {size} Voxel</translation>
        </message>
    </context>
    <context>
        <name>run.joint</name>
        <message>
            <source>iterations {count} bound the restoration, not the search for its regularization, which took runs of its own; give {found:.3g} to leave them out</source>
            <translation>{count} Schritte begrenzen die Entfaltung, nicht die Suche nach ihrer Regularisierung, die eigene Läufe brauchte; geben Sie {found:.3g} an, um sie zu sparen</translation>
        </message>
        <message>
            <source>looking how long it will take</source>
            <translation>die Dauer wird ermittelt</translation>
        </message>
        <message>
            <source>{method}, {times} in all</source>
            <translation>{method}, {times} insgesamt</translation>
        </message>
        <message>
            <source>up to {most}</source>
            <translation>bis {most}</translation>
        </message>
        <message>
            <source>{least} to {most}</source>
            <translation>{least} bis {most}</translation>
        </message>
        <message>
            <source>crop it, or take a method that needs less: {lean:.2g} GiB</source>
            <translation>schneiden Sie es zu, oder nehmen Sie ein Verfahren, das weniger braucht: {lean:.2g} GiB</translation>
        </message>
        <message>
            <source>the last digits</source>
            <translation>die letzten Stellen</translation>
        </message>
        <message>
            <source>more than the last digits</source>
            <translation>mehr als die letzten Stellen</translation>
        </message>
        <message>
            <source>a run at full speed takes {full:.2g} GiB, but {free:.2g} GiB were free, so this one worked in less memory: {digits} may differ from those of a run at full speed; memory_limit={limit:.2g} makes every run work as this one did</source>
            <translation>ein Lauf in voller Geschwindigkeit braucht {full:.2g} GiB, frei waren aber {free:.2g} GiB, daher arbeitete dieser mit weniger Speicher: {digits} können sich von denen eines schnellen Laufs unterscheiden; memory_limit={limit:.2g} lässt jeden Lauf so arbeiten</translation>
        </message>
    </context>
    <context>
        <name>run.pipeline</name>
        <message>
            <source>took joint {method}: {why}</source>
            <translation>genommen wurde {method} (gemeinsam): {why}</translation>
        </message>
        <message>
            <source>took blend with {method}: {why}</source>
            <translation>genommen wurde Überblenden mit {method}: {why}</translation>
        </message>
        <message>
            <source>voxels with more noise count less</source>
            <translation>Voxel mit mehr Rauschen zählen weniger</translation>
        </message>
    </context>
    <context>
        <name>run.regions</name>
        <message>
            <source>region</source>
            <translation>Bereich</translation>
        </message>
        <message>
            <source>one value per region, blurred, differs from the image by {misfit:.3g} times the noise: the regions are not uniform, or kernels or regions do not fit; the uncertainties of their means are too small</source>
            <translation>ein Wert je Bereich, unscharf gemacht, weicht vom Bild um das {misfit:.3g}-Fache des Rauschens ab: Die Bereiche sind nicht einheitlich, oder Kerne oder Bereiche passen nicht; die Unsicherheiten ihrer Mittel sind zu klein</translation>
        </message>
    </context>
    <context>
        <name>run.residuals</name>
        <message>
            <source>blurring the result again</source>
            <translation>das Ergebnis wird wieder unscharf gemacht</translation>
        </message>
        <message>
            <source>kernel</source>
            <translation>Kern</translation>
        </message>
        <message>
            <source>looking where kernels do not fit</source>
            <translation>es wird ermittelt, wo Kerne nicht passen</translation>
        </message>
    </context>
    <context>
        <name>run.settings</name>
        <message>
            <source>the means of regions need the whole image at once</source>
            <translation>die Mittel der Bereiche brauchen das ganze Bild auf einmal</translation>
        </message>
        <message>
            <source>{method} depends on the whole image at once; methods that do not: {others}</source>
            <translation>{method} hängt vom ganzen Bild auf einmal ab; Verfahren, die das nicht tun: {others}</translation>
        </message>
        <message>
            <source>a convolution that excludes voxels needs the whole image at once</source>
            <translation>eine Faltung, die Voxel ausschließt, braucht das ganze Bild auf einmal</translation>
        </message>
    </context>
    <context>
        <name>run.told</name>
        <message>
            <source>the guide was not used: the kernels are keyed by {key}</source>
            <translation>das Leitbild wurde nicht benutzt: Die Kerne werden nach {key} gewählt</translation>
        </message>
        <message>
            <source>the result is the image itself: nothing was changed</source>
            <translation>das Ergebnis ist das Bild selbst: Nichts wurde geändert</translation>
        </message>
        <message>
            <source>no kernel blurs the voxels that were worked on: there was no blur to undo</source>
            <translation>kein Kern macht die bearbeiteten Voxel unscharf: Es gab keine Unschärfe zu beheben</translation>
        </message>
        <message>
            <source>{kernel} was resampled from voxels of {before} mm to {after} mm{widths}</source>
            <translation>{kernel} wurde von Voxeln von {before} mm auf {after} mm umgerechnet{widths}</translation>
        </message>
        <message>
            <source>; so were {count} others</source>
            <translation>; ebenso {count} andere</translation>
        </message>
        <message>
            <source>. Is the kernel's voxel size another, give it (--kernel-spacing, the spacing of a Kernel)</source>
            <translation>. Ist die Voxelgröße des Kerns eine andere, geben Sie sie bei 'Voxelgröße' an (Bearbeiten...)</translation>
        </message>
        <message>
            <source>: sigma {before} mm is kept ({voxels} voxels are now {now})</source>
            <translation>: Sigma {before} mm bleibt (aus {voxels} Voxeln wurden {now})</translation>
        </message>
        <message>
            <source>: sigma {before} mm became {after} mm ({voxels} voxels are now {now})</source>
            <translation>: aus Sigma {before} mm wurden {after} mm (aus {voxels} Voxeln {now})</translation>
        </message>
        <message>
            <source>the kernel</source>
            <translation>der Kern</translation>
        </message>
        <message>
            <source>the kernel at {at}</source>
            <translation>der Kern bei {at}</translation>
        </message>
        <message>
            <source>, and so do {count} others</source>
            <translation>, ebenso {count} andere</translation>
        </message>
        <message>
            <source>{kernel} ({name}) is far narrower than a voxel of {size} mm and changes nothing{more}; sizes of kernels and voxels are in mm</source>
            <translation>{kernel} ({name}) ist viel schmaler als ein Voxel von {size} mm und ändert nichts{more}; Größen von Kernen und Voxeln sind in mm</translation>
        </message>
        <message>
            <source> ({count} other kernels have such notes, too)</source>
            <translation> ({count} andere Kerne haben auch solche Hinweise)</translation>
        </message>
        <message>
            <source>nothing was filtered</source>
            <translation>nichts wurde gefiltert</translation>
        </message>
        <message>
            <source>only the kernel at {level:g} was used</source>
            <translation>nur der Kern bei {level:g} wurde benutzt</translation>
        </message>
        <message>
            <source>levels {first:g} ... {last:g}</source>
            <translation>der Stufen {first:g} ... {last:g}</translation>
        </message>
        <message>
            <source>level {first:g}</source>
            <translation>der Stufe {first:g}</translation>
        </message>
        <message>
            <source>the values that choose, {low:g} ... {high:g}, all lie outside the {levels}: {used}; check their unit</source>
            <translation>die Werte, die wählen, {low:g} ... {high:g}, liegen alle außerhalb {levels}: {used}; prüfen Sie ihre Einheit</translation>
        </message>
        <message>
            <source>the values that choose, all {low:g}, lie outside the {levels}: {used}; check their unit</source>
            <translation>die Werte, die wählen, alle {low:g}, liegen außerhalb {levels}: {used}; prüfen Sie ihre Einheit</translation>
        </message>
        <message>
            <source>the kernels' positions all lie far from the image, which is {size} mm large: they hardly differ in it; positions are in mm from its first voxel</source>
            <translation>die Orte der Kerne liegen alle fern vom Bild, das {size} mm groß ist: Sie unterscheiden sich darin kaum; Orte zählen in mm von seinem ersten Voxel</translation>
        </message>
        <message>
            <source>{some} and {count} others</source>
            <translation>{some} und {count} andere</translation>
        </message>
        <message>
            <source>not used: the kernels at {shown}: no voxel that is worked on has their label</source>
            <translation>nicht benutzt: die Kerne bei {shown}: Kein bearbeitetes Voxel hat ihr Label</translation>
        </message>
        <message>
            <source>not used: the kernels at {shown}: their weight is 0 at every voxel that is worked on</source>
            <translation>nicht benutzt: die Kerne bei {shown}: Ihr Gewicht ist an jedem bearbeiteten Voxel 0</translation>
        </message>
    </context>
    <context>
        <name>run.verdict</name>
        <message>
            <source>the result, blurred again, differs from the image by {residual:.3g} times the noise, where exact results of right kernels leave 1: {cause}</source>
            <translation>das Ergebnis, wieder unscharf gemacht, weicht vom Bild um das {residual:.3g}-Fache des Rauschens ab, wo genaue Ergebnisse richtiger Kerne 1 lassen: {cause}</translation>
        </message>
        <message>
            <source>The image itself, blurred again, differs by {own:.3g}: the result is likely no closer to the truth</source>
            <translation>Das Bild selbst, nochmals unscharf gemacht, weicht um {own:.3g} ab: Das Ergebnis ist der Wahrheit wohl nicht näher</translation>
        </message>
        <message>
            <source>either the filters, which damp and know nothing of each other, do not reach that, or kernels, weights or model are wrong; the residual of strategy 'joint' tells which</source>
            <translation>entweder erreichen die Filter, die dämpfen und nichts voneinander wissen, das nicht, oder Kerne, Gewichte oder Modell sind falsch; der Rest der Strategie 'Gemeinsam' sagt, was</translation>
        </message>
        <message>
            <source>kernels, weights or model do not explain it; if the kernels belong to the true intensity, give a sharp guide or use method 'self-keyed'</source>
            <translation>Kerne, Gewichte oder Modell erklären es nicht; gehören die Kerne zur wahren Intensität, geben Sie ein scharfes Leitbild, oder nehmen Sie das Verfahren 'self-keyed'</translation>
        </message>
        <message>
            <source>kernels, weights or model do not explain it</source>
            <translation>Kerne, Gewichte oder Modell erklären es nicht</translation>
        </message>
        <message>
            <source>fewer iterations</source>
            <translation>weniger Schritte</translation>
        </message>
        <message>
            <source>a larger regularization</source>
            <translation>eine größere Regularisierung</translation>
        </message>
        <message>
            <source>the filter raises the noise from about {noise:.3g} to {raised:.3g} and brings back detail of about {detail:.3g}: the result is likely further from the truth than the image; take {less}, or a method that finds its own</source>
            <translation>der Filter hebt das Rauschen von etwa {noise:.3g} auf {raised:.3g} und bringt Einzelheiten von etwa {detail:.3g} zurück: Das Ergebnis ist der Wahrheit wohl ferner als das Bild; nehmen Sie {less}, oder ein Verfahren, das selbst wählt</translation>
        </message>
        <message>
            <source>looking at the width of the kernels</source>
            <translation>die Breite der Kerne wird geprüft</translation>
        </message>
        <message>
            <source>kernels that are too wide can make a result worse than the image: {width}</source>
            <translation>zu breite Kerne können ein Ergebnis schlechter machen als das Bild: {width}</translation>
        </message>
    </context>
    <context>
        <name>run.whose</name>
        <message>
            <source>only measured values can choose these kernels: {reason}</source>
            <translation>nur gemessene Werte können diese Kerne wählen: {reason}</translation>
        </message>
        <message>
            <source>the image is constant and does not tell whose intensity chooses the kernels</source>
            <translation>das Bild ist konstant und sagt nicht, wessen Intensität die Kerne wählt</translation>
        </message>
        <message>
            <source>kernels keyed to the image as measured leave {measured:.3g} times the noise, kernels keyed to the object's true values {true:.3g} times</source>
            <translation>Kerne nach gemessenen Werten lassen das {measured:.3g}-Fache des Rauschens übrig, Kerne nach den wahren Werten des Objekts das {true:.3g}-Fache</translation>
        </message>
        <message>
            <source>{left}, which does not tell them apart; taken literally: the intensity as measured</source>
            <translation>{left}, was sie nicht unterscheidet; wörtlich genommen: die gemessene Intensität</translation>
        </message>
        <message>
            <source>{left}: as simulated images do whose kernels follow true values, not measured ones</source>
            <translation>{left}: wie simulierte Bilder, deren Kerne wahren Werten folgen, nicht gemessenen</translation>
        </message>
        <message>
            <source>{left}: as simulated images do whose kernels follow measured values, not true ones</source>
            <translation>{left}: wie simulierte Bilder, deren Kerne gemessenen Werten folgen, nicht wahren</translation>
        </message>
    </context>
    <context>
        <name>shapes.microscope</name>
        <message>
            <source>na {given:g} counts as {aperture:g}, the smallest index that light passes</source>
            <translation>NA {given:g} zählt als {aperture:g}, der kleinste Brechungsindex, den das Licht durchläuft</translation>
        </message>
    </context>
    <context>
        <name>shapes.registry</name>
        <message>
            <source>Sigma (mm):</source>
            <translation>Sigma (mm):</translation>
        </message>
        <message>
            <source>sigma</source>
            <translation>Sigma</translation>
        </message>
        <message>
            <source>full width at half maximum</source>
            <translation>volle Halbwertsbreite</translation>
        </message>
        <message>
            <source>FWHM (mm):</source>
            <translation>FWHM (mm):</translation>
        </message>
        <message>
            <source>FWHM</source>
            <translation>FWHM</translation>
        </message>
        <message>
            <source>Length (mm):</source>
            <translation>Länge (mm):</translation>
        </message>
        <message>
            <source>length</source>
            <translation>Länge</translation>
        </message>
        <message>
            <source>Width (mm):</source>
            <translation>Breite (mm):</translation>
        </message>
        <message>
            <source>width</source>
            <translation>Breite</translation>
        </message>
        <message>
            <source>Radius (mm):</source>
            <translation>Radius (mm):</translation>
        </message>
        <message>
            <source>radius</source>
            <translation>Radius</translation>
        </message>
        <message>
            <source>Size (voxels):</source>
            <translation>Größe (Voxel):</translation>
        </message>
        <message>
            <source>size</source>
            <translation>Größe</translation>
        </message>
        <message>
            <source>Amount:</source>
            <translation>Stärke:</translation>
        </message>
        <message>
            <source>amount</source>
            <translation>Stärke</translation>
        </message>
        <message>
            <source>Sigmas (mm):</source>
            <translation>Sigmas (mm):</translation>
        </message>
        <message>
            <source>sigmas</source>
            <translation>Sigmas</translation>
        </message>
        <message>
            <source>full width at half maximum of each</source>
            <translation>volle Halbwertsbreite von jedem</translation>
        </message>
        <message>
            <source>FWHMs (mm):</source>
            <translation>FWHMs (mm):</translation>
        </message>
        <message>
            <source>FWHMs</source>
            <translation>FWHMs</translation>
        </message>
        <message>
            <source>share of the weight of each, in any unit</source>
            <translation>Anteil jedes am Gewicht, in beliebiger Einheit</translation>
        </message>
        <message>
            <source>Amplitudes:</source>
            <translation>Amplituden:</translation>
        </message>
        <message>
            <source>amplitudes</source>
            <translation>Amplituden</translation>
        </message>
        <message>
            <source>Lambda (mm):</source>
            <translation>Lambda (mm):</translation>
        </message>
        <message>
            <source>lambda</source>
            <translation>Lambda</translation>
        </message>
        <message>
            <source>Alpha (mm):</source>
            <translation>Alpha (mm):</translation>
        </message>
        <message>
            <source>alpha</source>
            <translation>Alpha</translation>
        </message>
        <message>
            <source>how steep the wings are; greater than 1 in 2-D and 1.5 in 3-D</source>
            <translation>wie steil die Flanken sind; größer als 1 in 2-D und 1,5 in 3-D</translation>
        </message>
        <message>
            <source>Beta:</source>
            <translation>Beta:</translation>
        </message>
        <message>
            <source>beta</source>
            <translation>Beta</translation>
        </message>
        <message>
            <source>how far it reaches from its centre</source>
            <translation>wie weit er von seiner Mitte reicht</translation>
        </message>
        <message>
            <source>Reach (mm):</source>
            <translation>Reichweite (mm):</translation>
        </message>
        <message>
            <source>reach</source>
            <translation>Reichweite</translation>
        </message>
        <message>
            <source>Distances (mm):</source>
            <translation>Abstände (mm):</translation>
        </message>
        <message>
            <source>distances</source>
            <translation>Abstände</translation>
        </message>
        <message>
            <source>weight per area or volume at each distance, in any unit</source>
            <translation>Gewicht je Fläche oder Volumen in jedem Abstand, in beliebiger Einheit</translation>
        </message>
        <message>
            <source>Densities:</source>
            <translation>Dichten:</translation>
        </message>
        <message>
            <source>densities</source>
            <translation>Dichten</translation>
        </message>
        <message>
            <source>Aperture (NA):</source>
            <translation>Apertur (NA):</translation>
        </message>
        <message>
            <source>NA</source>
            <translation>NA</translation>
        </message>
        <message>
            <source>wavelength of the light that is seen, in vacuum</source>
            <translation>Wellenlänge des gesehenen Lichts, im Vakuum</translation>
        </message>
        <message>
            <source>Wavelength (nm):</source>
            <translation>Wellenlänge (nm):</translation>
        </message>
        <message>
            <source>wavelength</source>
            <translation>Wellenlänge</translation>
        </message>
        <message>
            <source>wavelength of the light that excites, in vacuum</source>
            <translation>Wellenlänge des anregenden Lichts, im Vakuum</translation>
        </message>
        <message>
            <source>Excitation (nm):</source>
            <translation>Anregung (nm):</translation>
        </message>
        <message>
            <source>excitation</source>
            <translation>Anregung</translation>
        </message>
        <message>
            <source>refractive index of the immersion medium: air 1, water 1.33, oil 1.515</source>
            <translation>Brechzahl des Immersionsmediums: Luft 1, Wasser 1,33, Öl 1,515</translation>
        </message>
        <message>
            <source>Immersion index:</source>
            <translation>Immersion (n):</translation>
        </message>
        <message>
            <source>immersion</source>
            <translation>Immersion</translation>
        </message>
        <message>
            <source>refractive index of the sample</source>
            <translation>Brechzahl der Probe</translation>
        </message>
        <message>
            <source>Sample index:</source>
            <translation>Probe (n):</translation>
        </message>
        <message>
            <source>sample</source>
            <translation>Probe</translation>
        </message>
        <message>
            <source>depth of the point below the coverslip</source>
            <translation>Tiefe des Punkts unter dem Deckglas</translation>
        </message>
        <message>
            <source>Depth (mm):</source>
            <translation>Tiefe (mm):</translation>
        </message>
        <message>
            <source>depth</source>
            <translation>Tiefe</translation>
        </message>
        <message>
            <source>Gaussian</source>
            <translation>Gauß</translation>
        </message>
        <message>
            <source>Gaussian blur of standard deviation sigma.</source>
            <translation>Gaußsche Unschärfe der Standardabweichung Sigma.</translation>
        </message>
        <message>
            <source>Motion</source>
            <translation>Bewegung</translation>
        </message>
        <message>
            <source>Uniform straight motion during the exposure.</source>
            <translation>Gleichförmige gerade Bewegung während der Aufnahme.</translation>
        </message>
        <message>
            <source>Box</source>
            <translation>Rechteck</translation>
        </message>
        <message>
            <source>Mean over a box.</source>
            <translation>Mittel über ein Rechteck.</translation>
        </message>
        <message>
            <source>Disk</source>
            <translation>Scheibe</translation>
        </message>
        <message>
            <source>Defocus in the plane of the slice: a uniform disk.</source>
            <translation>Defokussierung in der Schichtebene: eine gleichmäßige Scheibe.</translation>
        </message>
        <message>
            <source>Ball</source>
            <translation>Kugel</translation>
        </message>
        <message>
            <source>Defocus in three dimensions: a uniform ball.</source>
            <translation>Defokussierung in drei Dimensionen: eine gleichmäßige Kugel.</translation>
        </message>
        <message>
            <source>Sum of Gaussians</source>
            <translation>Summe von Gauß-Kernen</translation>
        </message>
        <message>
            <source>Several Gaussians about one centre, as of scatter and dose.</source>
            <translation>Mehrere Gauß-Kerne um eine Mitte, wie bei Streuung und Dosis.</translation>
        </message>
        <message>
            <source>Lorentz</source>
            <translation>Lorentz</translation>
        </message>
        <message>
            <source>Glare and scatter with a Lorentzian line spread function; heavy tails.</source>
            <translation>Überstrahlung und Streuung mit Lorentz-förmiger Linienbildfunktion; lange Ausläufer.</translation>
        </message>
        <message>
            <source>Exponential</source>
            <translation>Exponentiell</translation>
        </message>
        <message>
            <source>Scatter that falls off exponentially with the distance.</source>
            <translation>Streuung, die mit dem Abstand exponentiell abfällt.</translation>
        </message>
        <message>
            <source>Moffat</source>
            <translation>Moffat</translation>
        </message>
        <message>
            <source>A core with wings, as of stars and lenses.</source>
            <translation>Ein Kern mit Flanken, wie bei Sternen und Linsen.</translation>
        </message>
        <message>
            <source>Radial table</source>
            <translation>Radiale Tabelle</translation>
        </message>
        <message>
            <source>Densities at distances from the centre, from a table.</source>
            <translation>Dichten in Abständen von der Mitte, aus einer Tabelle.</translation>
        </message>
        <message>
            <source>Born-Wolf</source>
            <translation>Born-Wolf</translation>
        </message>
        <message>
            <source>Wide-field microscope without aberrations.</source>
            <translation>Weitfeldmikroskop ohne Abbildungsfehler.</translation>
        </message>
        <message>
            <source>Gibson-Lanni</source>
            <translation>Gibson-Lanni</translation>
        </message>
        <message>
            <source>Wide-field microscope, with the aberrations of indices and of the depth in the sample.</source>
            <translation>Weitfeldmikroskop, mit den Abbildungsfehlern der Brechzahlen und der Tiefe in der Probe.</translation>
        </message>
        <message>
            <source>Confocal</source>
            <translation>Konfokal</translation>
        </message>
        <message>
            <source>Confocal microscope with a small pinhole.</source>
            <translation>Konfokales Mikroskop mit kleiner Lochblende.</translation>
        </message>
        <message>
            <source>Mean</source>
            <translation>Mittel</translation>
        </message>
        <message>
            <source>Mean of a block of voxels.</source>
            <translation>Mittel eines Blocks von Voxeln.</translation>
        </message>
        <message>
            <source>Sum</source>
            <translation>Summe</translation>
        </message>
        <message>
            <source>Sum over a block of voxels; not normalised.</source>
            <translation>Summe über einen Block von Voxeln; nicht normiert.</translation>
        </message>
        <message>
            <source>Cross sum</source>
            <translation>Kreuzsumme</translation>
        </message>
        <message>
            <source>Sum of a voxel and its face neighbours; not normalised.</source>
            <translation>Summe eines Voxels und seiner Flächennachbarn; nicht normiert.</translation>
        </message>
        <message>
            <source>Laplace</source>
            <translation>Laplace</translation>
        </message>
        <message>
            <source>Second differences in intensity per mm²: edges; sums to 0, for convolution only.</source>
            <translation>Zweite Differenzen in Intensität je mm²: Kanten; Summe 0, nur zum Falten.</translation>
        </message>
        <message>
            <source>Sharpen</source>
            <translation>Schärfen</translation>
        </message>
        <message>
            <source>The image minus a part of its Laplacian; for convolution.</source>
            <translation>Das Bild weniger einen Teil seines Laplace; zum Falten.</translation>
        </message>
        <message>
            <source>No blur</source>
            <translation>Keine Unschärfe</translation>
        </message>
        <message>
            <source>Leaves the image as it is.</source>
            <translation>Lässt das Bild, wie es ist.</translation>
        </message>
        <message>
            <source>File</source>
            <translation>Datei</translation>
        </message>
        <message>
            <source>The voxels of a file: an image, an array, a table of text.</source>
            <translation>Die Voxel einer Datei: eines Bildes, einer Matrix, einer Tabelle als Text.</translation>
        </message>
    </context>
    <context>
        <name>shapes.table</name>
        <message>
            <source>its table ends at {last:g} mm with {share:.0%} of the largest density; beyond, it is taken to be 0</source>
            <translation>seine Tabelle endet bei {last:g} mm mit {share:.0%} der größten Dichte; dahinter gilt sie als 0</translation>
        </message>
    </context>
    <context>
        <name>shapes.tails</name>
        <message>
            <source>{share:.1%} of its weight lies beyond its reach and is left out; a larger reach_mm keeps more</source>
            <translation>{share:.1%} seines Gewichts liegen jenseits seiner Reichweite und fallen weg; eine größere Reichweite behält mehr</translation>
        </message>
    </context>
    <context>
        <name>solvers.iteration</name>
        <message>
            <source>{name} {number}, residual {residual:.3g}</source>
            <translation>{name} {number}, Rest {residual:.3g}</translation>
        </message>
    </context>
    <context>
        <name>solvers.penalised</name>
        <message>
            <source>{method}, weight {weight:.3g}, step</source>
            <translation>{method}, Gewicht {weight:.3g}, Schritt</translation>
        </message>
        <message>
            <source>first image, step</source>
            <translation>erstes Bild, Schritt</translation>
        </message>
        <message>
            <source>weight {weight:.3g}, step</source>
            <translation>Gewicht {weight:.3g}, Schritt</translation>
        </message>
    </context>
    <context>
        <name>solvers.plugandplay</name>
        <message>
            <source>plug-and-play, step</source>
            <translation>Plug-and-Play, Schritt</translation>
        </message>
    </context>
    <context>
        <name>tiles.layout</name>
        <message>
            <source>tiles of {sizes} voxels are smaller than their halo of {halo}, which the kernels need; take at least {least}, or leave it to the run</source>
            <translation>Kacheln von {sizes} Voxeln sind kleiner als ihr Saum von {halo}, den die Kerne brauchen; nehmen Sie mindestens {least}, oder überlassen Sie es dem Lauf</translation>
        </message>
    </context>
    <context>
        <name>tiles.plan</name>
        <message>
            <source>there can be no tiles: regions that fade into each other do not do so across a periodic border</source>
            <translation>Kacheln sind nicht möglich: Bereiche, die ineinander übergehen, tun das nicht über einen periodischen Rand</translation>
        </message>
        <message>
            <source>the image holds {bad} NaN or infinite of {voxels} voxels; repair it, or let them be filled from their neighbours</source>
            <translation>das Bild enthält {bad} NaN oder unendliche von {voxels} Voxeln; reparieren Sie es, oder lassen Sie sie aus ihren Nachbarn füllen</translation>
        </message>
    </context>
    <context>
        <name>tiles.sample</name>
        <message>
            <source>looking for a sample</source>
            <translation>eine Stichprobe wird gesucht</translation>
        </message>
    </context>
    <context>
        <name>tiles.survey</name>
        <message>
            <source>looking at the image</source>
            <translation>das Bild wird betrachtet</translation>
        </message>
    </context>
    <context>
        <name>tiles.tiled</name>
        <message>
            <source>choosing for all tiles</source>
            <translation>für alle Kacheln wird gewählt</translation>
        </message>
        <message>
            <source>there can be no tiles: {why}</source>
            <translation>Kacheln sind nicht möglich: {why}</translation>
        </message>
        <message>
            <source>tile</source>
            <translation>Kachel</translation>
        </message>
    </context>
    <context>
        <name>width.estimate</name>
        <message>
            <source>the image does not tell how wide its blur is (to ± {within:.0f} % only)</source>
            <translation>das Bild sagt nicht, wie breit seine Unschärfe ist (nur auf ± {within:.0f} %)</translation>
        </message>
        <message>
            <source>the kernels' width fits the image (within {within:.0f} %)</source>
            <translation>die Breite der Kerne passt zum Bild (auf {within:.0f} %)</translation>
        </message>
        <message>
            <source>the kernels look about {off:.0f} % too wide (± {within:.0f} %); objects that are sharper or of finer texture than most read as less blur</source>
            <translation>die Kerne sehen etwa {off:.0f} % zu breit aus (± {within:.0f} %); Objekte, die schärfer oder feiner gezeichnet sind als die meisten, wirken weniger unscharf</translation>
        </message>
        <message>
            <source>the kernels look about {off:.0f} % too narrow (± {within:.0f} %); objects that are soft themselves read as blur</source>
            <translation>die Kerne sehen etwa {off:.0f} % zu schmal aus (± {within:.0f} %); Objekte, die selbst weich sind, wirken unscharf</translation>
        </message>
        <message>
            <source>{width}. Made so by sd.refine_kernels(image, kernels{library}) or spatialdeconv kernel refine IMAGE --kernels SET{command} --output NEW.json</source>
            <translation>{width}. Das machen sd.refine_kernels(image, kernels{library}) oder spatialdeconv kernel refine IMAGE --kernels SET{command} --output NEW.json</translation>
        </message>
        <message>
            <source>the blurred image's own values choose the kernels, so its blur and noise are in the choice, and no width can be told from it; give the image that chooses, if there is one</source>
            <translation>die eigenen Werte des unscharfen Bildes wählen die Kerne, also stecken Unschärfe und Rauschen in der Wahl, und eine Breite ist daraus nicht zu erkennen; geben Sie das Bild, das wählt, wenn es eines gibt</translation>
        </message>
        <message>
            <source>the image, or its mask, is too small to tell how wide its blur is: that is seen in blocks of {size} voxels or more</source>
            <translation>das Bild oder seine Maske ist zu klein, um zu sagen, wie breit die Unschärfe ist: Das zeigt sich in Blöcken ab {size} Voxeln</translation>
        </message>
        <message>
            <source>the image is constant where it is looked at: no blur is seen</source>
            <translation>das Bild ist konstant, wo es betrachtet wird: Keine Unschärfe ist zu sehen</translation>
        </message>
        <message>
            <source>the kernels do not blur, so they have no width to be wrong</source>
            <translation>die Kerne machen nichts unscharf, also haben sie keine Breite, die falsch sein könnte</translation>
        </message>
        <message>
            <source>the image holds nothing but noise where it is looked at: no blur is seen</source>
            <translation>das Bild enthält nur Rauschen, wo es betrachtet wird: Keine Unschärfe ist zu sehen</translation>
        </message>
    </context>
</TS>
