"""Names of units of measurement, as they stand behind numbers and in names of columns."""

from __future__ import annotations

_NAMES = (
    r"% ‰ ° °C °F C F K k M m mm cm dm km um µm nm pm in ft yd mi g kg mg ug µg ng t lb lbs oz s "
    r"ms us µs ns min h hr hrs d day days Hz kHz MHz GHz Pa hPa kPa MPa GPa bar mbar psi atm J "
    r"kJ MJ eV keV MeV GeV cal kcal W mW kW MW V mV kV A mA uA µA N mN kN MN mol mmol l L ml mL "
    r"ppm ppb dB Ohm ohm Ω m2 m3 cm2 cm3 mm2 mm3 m/s km/h rpm "
)
UNITS = frozenset(_NAMES.split()) | {
    unit.replace("µ", "\N{GREEK SMALL LETTER MU}") for unit in _NAMES.split()
}
