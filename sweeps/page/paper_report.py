"""stub"""
def write_paper(directory):
    return None
